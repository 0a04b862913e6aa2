//! Rows that belong to other rows: fetched for all of them with one statement, however many there are.
//!
//! ```text
//! resolvers ── load(key) ──▶ queue per kind of row ── when the operation waits for nothing else ──▶ fetch ──▶ rows
//! ```
//!
//! The usual way is to wait a millisecond for more keys, which is too long for a small answer and too short for a busy
//! server. Here the [`Driven`] operation and its fetches are one task: when a turn of it brings no new key, then none
//! will come before rows do.

mod batch;
mod drive;
mod rows;

pub(crate) use drive::Driven;
pub(crate) use rows::{
    EventsOf, GroupsOf, Loaders, MountsOf, PodsOf, QuotasOf, RunsOf, TagsOf, TaskOf,
};
