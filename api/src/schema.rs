//! The roots of the schema, put together from the nouns, and its text.

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, Schema, SchemaBuilder};
use chrono::{DateTime, Utc};

use crate::agent::{AgentMutation, AgentSubscription};
use crate::audit::{AuditConnection, AuditEdge, AuditQuery};
use crate::environment::EnvironmentQuery;
use crate::log::{LogQuery, LogSearchQuery, LogSubscription};
use crate::mount::{MountMutation, MountQuery, MountRuleConnection, MountRuleEdge};
use crate::node::{
    NodeConnection, NodeEdge, NodeMutation, NodeQuery, NodeStateConnection, NodeStateEdge,
};
use crate::quota::{
    LedgerQuery, QuotaChangeConnection, QuotaChangeEdge, QuotaConnection, QuotaEdge, QuotaMutation,
    QuotaQuery, QuotaSubscription, ResourceQuotaConnection, ResourceQuotaEdge, SimulationQuery,
};
use crate::run::{RunConnection, RunEdge};
use crate::server_info::ServerInfoQuery;
use crate::session::{SessionConnection, SessionEdge, SessionMutation, SessionQuery};
use crate::task::{TaskConnection, TaskEdge, TaskMutation, TaskQuery, TaskSubscription};
use crate::token::{TokenConnection, TokenEdge, TokenMutation, TokenQuery};
use crate::user::{UserConnection, UserEdge, UserMutation, UserQuery};

/// The schema of the platform.
pub(crate) type PlatformSchema = Schema<Query, Mutation, Subscription>;

/// What can be read.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Query(
    UserQuery,
    TaskQuery,
    LogQuery,
    LogSearchQuery,
    NodeQuery,
    MountQuery,
    EnvironmentQuery,
    ServerInfoQuery,
    AuditQuery,
    TokenQuery,
    SessionQuery,
    QuotaQuery,
    SimulationQuery,
    LedgerQuery,
);

/// What can be changed.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Mutation(
    TaskMutation,
    UserMutation,
    QuotaMutation,
    MountMutation,
    TokenMutation,
    NodeMutation,
    SessionMutation,
    AgentMutation,
);

/// What can be followed live.
#[derive(Debug, Default, MergedSubscription)]
pub(crate) struct Subscription(
    TaskSubscription,
    LogSubscription,
    AgentSubscription,
    QuotaSubscription,
);

/// The schema without a platform behind it.
pub(crate) fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .override_output_type_description::<DateTime<Utc>>(
        "A moment in UTC, written as in RFC 3339: `2030-01-31T09:30:00.250+00:00`.",
    )
    .override_output_type_description::<async_graphql::Json<serde_json::Value>>("Any JSON value.")
    .override_output_type_description::<TaskConnection>("One page of a list of tasks.")
    .override_output_type_description::<TaskEdge>("A task at its place in a list.")
    .override_output_type_description::<RunConnection>("One page of a list of runs.")
    .override_output_type_description::<RunEdge>("A run at its place in a list.")
    .override_output_type_description::<NodeConnection>("One page of a list of nodes.")
    .override_output_type_description::<NodeEdge>("A node at its place in a list.")
    .override_output_type_description::<NodeStateConnection>("One page of the states of a node.")
    .override_output_type_description::<NodeStateEdge>("A state of a node at its place in a list.")
    .override_output_type_description::<UserConnection>("One page of a list of users.")
    .override_output_type_description::<UserEdge>("A user at its place in a list.")
    .override_output_type_description::<TokenConnection>("One page of a list of access tokens.")
    .override_output_type_description::<TokenEdge>("An access token at its place in a list.")
    .override_output_type_description::<SessionConnection>(
        "One page of a list of sessions of browsers.",
    )
    .override_output_type_description::<SessionEdge>("A session at its place in a list.")
    .override_output_type_description::<AuditConnection>("One page of the audit log.")
    .override_output_type_description::<AuditEdge>("An entry at its place in the audit log.")
    .override_output_type_description::<MountRuleConnection>(
        "One page of a list of rules for mounts.",
    )
    .override_output_type_description::<MountRuleEdge>("A rule for mounts at its place in a list.")
    .override_output_type_description::<QuotaConnection>("One page of a list of quotas of nodes.")
    .override_output_type_description::<QuotaEdge>("A quota of nodes at its place in a list.")
    .override_output_type_description::<ResourceQuotaConnection>(
        "One page of a list of other quotas.",
    )
    .override_output_type_description::<ResourceQuotaEdge>("A quota at its place in a list.")
    .override_output_type_description::<QuotaChangeConnection>("One page of the changes of quotas.")
    .override_output_type_description::<QuotaChangeEdge>(
        "A change of a quota at its place in the list.",
    )
}

/// The text of the schema: what `schema.graphql` holds.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .use_space_ident()
        .prefer_single_line_descriptions()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}
