//! Who asks: `hai-cli`, a GraphQL client.
//!
//! ```text
//! words ──args──▶ Command ──commands──▶ client (one POST), follow (subscriptions)
//!                                          │
//!                     output (pure) ◀──────┘
//! ```
//!
//! The library exists so that `hai-platform cli …` is the same program: it calls [`main`] with the
//! words after `cli`, outside of any async runtime. The demonstration draws its table with [`table`]. `README.md` beside this crate documents the
//! commands, the JSON shapes and the exit codes.

mod address;
mod args;
mod client;
mod commands;
mod config;
mod error;
mod follow;
mod mount;
mod operations;
mod output;
mod select;
mod submission;
mod top;
mod words;

pub use args::Args;
pub use commands::{main, run};
pub use output::{Look, table};
