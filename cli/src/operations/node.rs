//! One node: what became of it, and its changes.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Node, NodeStateKind, schema};

/// A state that a node came to.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct NodeState {
    pub(crate) at: DateTime<Utc>,
    pub(crate) state: NodeStateKind,
    pub(crate) by: Option<String>,
    pub(crate) why: Option<String>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct StatesOf {
    pub(crate) node: String,
    pub(crate) first: i32,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "StatesOf")]
pub(crate) struct ListNodeStates {
    #[arguments(node: $node, first: $first)]
    pub(crate) node_states: NodeStateConnection,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct NodeStateConnection {
    pub(crate) nodes: Vec<NodeState>,
}

/// A rank of a task that was on a node.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct TaskOnNode {
    pub(crate) task: cynic::Id,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) run: i32,
    pub(crate) rank: i32,
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: Option<DateTime<Utc>>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct PlaceAndTime {
    pub(crate) node: String,
    pub(crate) at: Option<DateTime<Utc>>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "PlaceAndTime")]
pub(crate) struct FindTaskOnNode {
    #[arguments(node: $node, at: $at)]
    pub(crate) task_on_node: Option<TaskOnNode>,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct DisableNodeInput {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) suspend_task: bool,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhyDisabled {
    pub(crate) input: DisableNodeInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WhyDisabled")]
pub(crate) struct DisableNode {
    #[arguments(input: $input)]
    pub(crate) disable_node: Node,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct EnableNodeInput {
    pub(crate) name: String,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhichNode {
    pub(crate) input: EnableNodeInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WhichNode")]
pub(crate) struct EnableNode {
    #[arguments(input: $input)]
    pub(crate) enable_node: Node,
}
