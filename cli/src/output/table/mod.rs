//! Tables and lines for people.

mod frame;
mod history;
mod task;
mod user;

#[cfg(test)]
pub(crate) mod tests;

pub use frame::table;
pub(crate) use task::{hints, task_detail, task_table};
pub(crate) use user::user;
