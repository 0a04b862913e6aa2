//! Quotas: what somebody may have, who set it, and what would be.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Priority, QuotaKind, schema};

/// What a user holds and may hold.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotaLedger {
    pub(crate) user: String,
    pub(crate) quotas: Vec<NodeQuota>,
    pub(crate) resources: Vec<ResourceAmount>,
    pub(crate) valid_until: Option<DateTime<Utc>>,
}

/// Nodes of one group and priority.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[cynic(graphql_type = "QuotaUsage")]
pub(crate) struct NodeQuota {
    pub(crate) group: String,
    pub(crate) priority: Priority,
    pub(crate) used: i32,
    pub(crate) limit: i32,
    pub(crate) ceiling: Option<i32>,
    pub(crate) available: i32,
}

/// How much of something else.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceAmount {
    pub(crate) resource: String,
    pub(crate) amount: i64,
    pub(crate) memory_gib: Option<i32>,
    pub(crate) cpus: Option<i32>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct LedgerOf {
    pub(crate) user: Option<String>,
    pub(crate) group: Option<String>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "LedgerOf")]
pub(crate) struct ReadLedger {
    #[arguments(user: $user, group: $group)]
    pub(crate) quota_ledger: QuotaLedger,
}

/// A quota of anything, as it was set.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceQuota {
    pub(crate) owner: String,
    pub(crate) resource: String,
    pub(crate) amount: i64,
    pub(crate) memory_gib: Option<i32>,
    pub(crate) cpus: Option<i32>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct SetResourceQuotaInput {
    pub(crate) owner: String,
    pub(crate) resource: String,
    pub(crate) amount: i64,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_gib: Option<i32>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) cpus: Option<i32>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct HowMuch {
    pub(crate) input: SetResourceQuotaInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "HowMuch")]
pub(crate) struct SetResourceQuota {
    #[arguments(input: $input)]
    pub(crate) set_resource_quota: ResourceQuota,
}

/// A quota of nodes, as it was set.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quota {
    pub(crate) owner: String,
    pub(crate) kind: QuotaKind,
    pub(crate) tag: String,
    pub(crate) group: String,
    pub(crate) priority: Priority,
    pub(crate) nodes: i32,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct SetMyQuotaInput {
    pub(crate) group: String,
    pub(crate) priority: Priority,
    pub(crate) nodes: i32,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct HowManyNodes {
    pub(crate) input: SetMyQuotaInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "HowManyNodes")]
pub(crate) struct SetMyQuota {
    #[arguments(input: $input)]
    pub(crate) set_my_quota: Quota,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct RemoveQuotaInput {
    pub(crate) owner: String,
    pub(crate) resource: String,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhichQuota {
    pub(crate) input: RemoveQuotaInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "WhichQuota")]
pub(crate) struct RemoveQuota {
    #[arguments(input: $input)]
    pub(crate) remove_quota: ResourceQuota,
}

/// A change of a quota.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotaChange {
    pub(crate) at: DateTime<Utc>,
    pub(crate) editor: String,
    pub(crate) owner: String,
    pub(crate) resource: String,
    pub(crate) before: Option<i64>,
    pub(crate) after: Option<i64>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct QuotaChangeFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) editor: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<DateTime<Utc>>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhichChanges {
    pub(crate) filter: QuotaChangeFilter,
    pub(crate) first: i32,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WhichChanges")]
pub(crate) struct ListQuotaChanges {
    #[arguments(filter: $filter, first: $first)]
    pub(crate) quota_changes: QuotaChangeConnection,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct QuotaChangeConnection {
    pub(crate) nodes: Vec<QuotaChange>,
}

/// What would be different at once.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotaSimulation {
    pub(crate) starts: Vec<SimulatedStart>,
    pub(crate) give_way: Vec<SimulatedYield>,
    pub(crate) waits: Vec<SimulatedWait>,
}

#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct SimulatedStart {
    pub(crate) task: cynic::Id,
    pub(crate) priority: Priority,
    pub(crate) nodes: Vec<String>,
}

#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SimulatedYield {
    pub(crate) task: cynic::Id,
    pub(crate) for_task: cynic::Id,
}

#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct SimulatedWait {
    pub(crate) task: cynic::Id,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

#[derive(Debug, Clone, cynic::InputObject)]
pub(crate) struct SimulateQuotaInput {
    pub(crate) owner: String,
    pub(crate) resource: String,
    pub(crate) nodes: i32,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct WhatIf {
    pub(crate) input: SimulateQuotaInput,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "WhatIf")]
pub(crate) struct SimulateQuota {
    #[arguments(input: $input)]
    pub(crate) simulate_quota: QuotaSimulation,
}
