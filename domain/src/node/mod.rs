//! Nodes: what the runtime reports of the hosts, and who holds them.

mod adopt;
mod check;
mod enable;
mod history;
mod host;
mod located;
mod mask;
mod overview;
mod path;
mod query;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use adopt::{NewHost, adopt};
pub(crate) use enable::disabled;
pub use enable::{Disable, Running, disable, enable};
pub use entity::NodeStateId;
pub use entity::node::Status;
pub use entity::node_state::{Model as PastState, State};
pub use history::{count_history, history};
pub use host::{Describe, Patch, create, delete, update};
pub use located::{Located, task_at};
pub use mask::{Masks, Sight};
pub use overview::{GroupOverview, Level, Numbers, Overview, overview, tree};
pub use query::{Filter, NodeView, Page, count, groups, page, tasks_on};
pub(crate) use query::{hosts, list};
pub(crate) use sync::{compare, sync};

/// The kind of a host of which nobody has said another.
const KIND: &str = "gpu";
/// The purpose of a host of which nobody has said another.
const PURPOSE: &str = "training";

/// The facts that the runtime reports and an administrator may set, as [`entity::host::Model::pinned`] has them.
const GROUP: &str = "group";
const ZONE: &str = "zone";
const GPUS: &str = "gpus";
