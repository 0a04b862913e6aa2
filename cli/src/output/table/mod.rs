//! Tables and lines for people.

mod account;
mod frame;
mod history;
mod node;
mod task;
mod user;

#[cfg(test)]
pub(crate) mod tests;

pub(super) use frame::moment;
pub use frame::table;
pub(super) use task::facts as task_facts;

pub(crate) use account::{token_table, user_table};
pub(crate) use node::{node_table, node_tree};
pub(crate) use task::{hints, task_detail, task_table};
pub(crate) use user::user;
