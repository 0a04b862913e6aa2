//! Everything that a live view of the cluster shows.

use super::{ClusterOverview, PageInfo, TaskSummary, schema};

/// Where a page of the tasks begins.
#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WatchPage {
    pub(crate) after: Option<String>,
}

/// A page of the tasks that have not ended, the newest first, and the node groups.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WatchPage")]
pub(crate) struct WatchCluster {
    #[arguments(filter: { states: [WAITING_INIT, RUNNING, SUSPENDED] }, first: 500, after: $after)]
    pub(crate) tasks: LiveTasks,
    pub(crate) cluster_overview: ClusterOverview,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "TaskConnection")]
pub(crate) struct LiveTasks {
    pub(crate) nodes: Vec<TaskSummary>,
    pub(crate) page_info: PageInfo,
    pub(crate) total_count: i32,
}

/// Each task that the user may see, whenever it changes.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
pub(crate) struct FollowTasks {
    pub(crate) tasks_changed: TaskSummary,
}
