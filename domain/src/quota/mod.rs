//! Quotas: how many nodes a user may hold in a node group at a priority.

mod rows;
mod set;
mod usage;

pub use entity::quota::Model as Quota;
pub use set::{SetQuota, set};
pub use usage::{QuotaUsage, usage};

pub(crate) use rows::{load_rows, planner_users};
pub(crate) use set::insert;
