//! Nodes: what the runtime reports of the hosts, and who holds them.

mod overview;
mod query;
mod sync;

pub use entity::node::Status;
pub use overview::{GroupOverview, Overview, overview};
pub use query::{Filter, NodeView, groups, list, tasks_on};
pub(crate) use sync::{compare, sync};
