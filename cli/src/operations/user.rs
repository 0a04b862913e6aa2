//! The user behind the token, and what the platform offers.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Priority, UserRole, schema};

/// The owner of a task.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
pub(crate) struct Owner {
    pub(crate) name: String,
}

/// The user behind the token.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: cynic::Id,
    pub(crate) name: String,
    pub(crate) role: UserRole,
    pub(crate) uid: i64,
    pub(crate) active: bool,
    pub(crate) groups: Vec<String>,
    pub(crate) quotas: Option<Vec<QuotaUsage>>,
    pub(crate) mounts: Option<Vec<Mount>>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Nodes of one group and priority that a user has and may have.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct QuotaUsage {
    pub(crate) group: String,
    pub(crate) priority: Priority,
    pub(crate) used: i32,
    pub(crate) limit: i32,
}

/// A directory that tasks see under the same path.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount {
    pub(crate) path: String,
    pub(crate) read_only: bool,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct Me {
    pub(crate) me: User,
}

/// Only the name of the user behind the token.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct MyName {
    pub(crate) me: Owner,
}

/// Only the mounts of the user behind the token.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct MyMounts {
    pub(crate) me: Mounts,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
pub(crate) struct Mounts {
    pub(crate) mounts: Option<Vec<Mount>>,
}

/// What a new task may name.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct Offers {
    pub(crate) server_info: Offer,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "ServerInfo")]
pub(crate) struct Offer {
    pub(crate) groups: Vec<String>,
    pub(crate) environments: Vec<String>,
}
