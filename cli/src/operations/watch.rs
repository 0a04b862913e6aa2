//! Everything that a live view of the cluster shows.

use super::{ClusterOverview, TaskSummary, schema};

/// The tasks that have not ended, the newest first, and the node groups.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct WatchCluster {
    #[arguments(filter: { states: [WAITING_INIT, RUNNING, SUSPENDED] }, first: 500)]
    pub(crate) tasks: LiveTasks,
    pub(crate) cluster_overview: ClusterOverview,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "TaskConnection")]
pub(crate) struct LiveTasks {
    pub(crate) nodes: Vec<TaskSummary>,
}

/// Each task that the user may see, whenever it changes.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
pub(crate) struct FollowTasks {
    pub(crate) tasks_changed: TaskSummary,
}
