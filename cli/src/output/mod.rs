//! What the user sees: pure renderings, and the one place that writes them.

mod describe;
mod explain;
mod json;
mod log_line;
mod progress;
mod screen;
mod search;
mod table;

pub(crate) use describe::description;
pub(crate) use explain::Explanation;
pub(crate) use json::{line as json_line, pretty as json};
pub(crate) use log_line::LogPrinter;
pub(crate) use progress::Progress;
pub use screen::Look;
pub(crate) use screen::Screen;
pub(crate) use search::{SearchLook, found};
pub use table::table;
pub(crate) use table::{
    hints, located, node_table, node_tree, own_quota_set, quota_changes, quota_ledger,
    quota_removed, quota_set, quota_simulation, state_table, task_detail, task_table, token_table,
    user, user_table,
};

#[cfg(test)]
pub(crate) use table::tests::task as task_for_tests;
