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
    /// Those that may take tasks: they are ready and not disabled.
    ready: i32,
    /// Those that may take tasks and have none.
    free: i32,
    /// Those that have a task.
    working: i32,
    /// Those that somebody has disabled.
    disabled: i32,
}

/// A level of the tree of node groups: a group, or what groups have in common.
#[derive(Debug, SimpleObject)]
pub(crate) struct NodeGroup {
    /// Its path from the root, with dots.
    path: String,
    /// The last part of the path; tasks name a group by it.
    name: String,
    /// Path of the level above; null at the root.
    parent: Option<String>,
    /// Whether nodes are in just this group: tasks can be submitted to it.
    is_group: bool,
    /// All nodes here and below.
    nodes: i32,
    /// Those that may take tasks: they are ready and not disabled.
    ready: i32,
    /// Those that may take tasks and have none.
    free: i32,
    /// Those that have a task.
    working: i32,
    /// Those that somebody has disabled.
    disabled: i32,
}

impl From<node::Level> for NodeGroup {
    fn from(level: node::Level) -> Self {
        Self {
            path: level.path,
            name: level.name,
            parent: level.above,
            is_group: level.is_group,
            nodes: int(level.numbers.nodes),
            ready: int(level.numbers.ready),
            free: int(level.numbers.free),
            working: int(level.numbers.working),
            disabled: int(level.numbers.disabled),
        }
    }
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
            nodes: int(group.numbers.nodes),
            ready: int(group.numbers.ready),
            free: int(group.numbers.free),
            working: int(group.numbers.working),
            disabled: int(group.numbers.disabled),
        }
    }
}
