//! Tables and lines for people.

mod account;
mod frame;
mod history;
mod node;
mod node_state;
mod node_tree;
mod quota;
mod task;
mod user;

#[cfg(test)]
pub(crate) mod tests;

pub(super) use frame::moment;
pub use frame::table;
pub(super) use task::facts as task_facts;

pub(crate) use account::{token_table, user_table};
pub(crate) use node::node_table;
pub(crate) use node_state::{located, state_table};
pub(crate) use node_tree::node_tree;
pub(crate) use quota::{
    own_quota_set, quota_changes, quota_ledger, quota_removed, quota_set, quota_simulation,
};
pub(crate) use task::{hints, task_detail, task_table};
pub(crate) use user::user;
