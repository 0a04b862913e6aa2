//! Everything about one task, and about why it waits.

use serde::Serialize;
use serde_json::Value;

use super::{ClusterOverview, PageInfo, QuotaUsage, RunSummary, Task, schema};

/// Whose wait is to be explained: the task of this id, or the newest of this name.
#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct ExplainedTask {
    pub(crate) id: Option<cynic::Id>,
    pub(crate) name: Option<String>,
}

/// A task beside what it waits for.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ExplainedTask")]
pub(crate) struct ExplainTask {
    #[arguments(id: $id, name: $name)]
    pub(crate) task: Option<Task>,
    pub(crate) cluster_overview: ClusterOverview,
    pub(crate) me: Quotas,
}

/// What the user behind the token holds and may hold.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
pub(crate) struct Quotas {
    pub(crate) name: String,
    pub(crate) quotas: Option<Vec<QuotaUsage>>,
}

/// Any JSON value.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Json(pub(crate) Value);

cynic::impl_scalar!(Json, schema::JSON);

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct RunPage {
    pub(crate) id: cynic::Id,
    pub(crate) first: i32,
    pub(crate) after: Option<String>,
}

/// What a page of runs belongs to.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "RunPage")]
pub(crate) struct DescribeTask {
    #[arguments(id: $id)]
    pub(crate) task: Option<Described>,
}

/// The document of a task and one page of its runs.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Task", variables = "RunPage")]
pub(crate) struct Described {
    pub(crate) schema: Json,
    #[arguments(first: $first, after: $after)]
    pub(crate) runs: RunConnection,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct RunConnection {
    pub(crate) nodes: Vec<RunSummary>,
    pub(crate) page_info: PageInfo,
}
