//! The cluster in a few numbers, as clients see it.

use async_graphql::SimpleObject;
use domain::node;

use crate::scalar::int;

/// The cluster in a few numbers.
#[derive(Debug, SimpleObject)]
pub(crate) struct ClusterOverview {
    /// The node groups by name, at most one entry for each.
    groups: Vec<GroupOverview>,
    /// Tasks of all users that wait.
    queued_tasks: i32,
    /// Tasks of all users that have an open run.
    running_tasks: i32,
}

/// One node group in a few numbers.
#[derive(Debug, SimpleObject)]
pub(crate) struct GroupOverview {
    /// Name of the group.
    name: String,
    /// All its nodes.
    nodes: i32,
    /// Those that may take tasks.
    ready: i32,
    /// Those that may take tasks and have none.
    free: i32,
    /// Those that have a task.
    working: i32,
}

impl From<node::Overview> for ClusterOverview {
    fn from(overview: node::Overview) -> Self {
        Self {
            groups: overview.groups.into_iter().map(Into::into).collect(),
            queued_tasks: int(overview.queued_tasks),
            running_tasks: int(overview.running_tasks),
        }
    }
}

impl From<node::GroupOverview> for GroupOverview {
    fn from(group: node::GroupOverview) -> Self {
        Self {
            name: group.name,
            nodes: int(group.nodes),
            ready: int(group.ready),
            free: int(group.free),
            working: int(group.working),
        }
    }
}
