//! The nodes of the cluster.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{NodeStatus, Owner, schema};

/// A machine that tasks run on.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) group_path: String,
    pub(crate) zone: Option<String>,
    pub(crate) status: NodeStatus,
    pub(crate) disabled: Option<NodeDisabled>,
    pub(crate) reason: Option<String>,
    pub(crate) flags: Vec<String>,
    pub(crate) cpus: i32,
    pub(crate) memory_bytes: i64,
    pub(crate) gpus: i32,
    pub(crate) task: Option<Holder>,
}

/// Who took a node from the scheduler.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct NodeDisabled {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: Option<String>,
    pub(crate) why: Option<String>,
}

/// The task that holds a node.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[cynic(graphql_type = "Task")]
pub(crate) struct Holder {
    pub(crate) id: cynic::Id,
    pub(crate) name: String,
    pub(crate) user: Owner,
}

/// One node group in a few numbers.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct GroupOverview {
    pub(crate) name: String,
    pub(crate) nodes: i32,
    pub(crate) ready: i32,
    pub(crate) free: i32,
    pub(crate) working: i32,
    pub(crate) disabled: i32,
}

/// A level of the tree of node groups.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeGroup {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) is_group: bool,
    pub(crate) nodes: i32,
    pub(crate) ready: i32,
    pub(crate) free: i32,
    pub(crate) working: i32,
    pub(crate) disabled: i32,
}

/// The cluster in a few numbers.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterOverview {
    pub(crate) groups: Vec<GroupOverview>,
    pub(crate) queued_tasks: i32,
    pub(crate) running_tasks: i32,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct NodePage {
    pub(crate) first: i32,
    pub(crate) after: Option<String>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "NodePage")]
pub(crate) struct ListNodes {
    #[arguments(first: $first, after: $after)]
    pub(crate) nodes: NodeConnection,
    pub(crate) node_groups: Vec<NodeGroup>,
    pub(crate) cluster_overview: ClusterOverview,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct NodeConnection {
    pub(crate) nodes: Vec<Node>,
    pub(crate) page_info: super::PageInfo,
}
