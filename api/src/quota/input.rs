//! What is said about quotas.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use domain::quota::{Resource, SetNamed, SetOwnQuota, SetQuota};
use domain::{Error, Level, Result};

use super::object::QuotaKind;
use crate::scalar::Long;
use crate::task::Priority;

/// A quota of nodes to be set.
#[derive(Debug, InputObject)]
pub(crate) struct SetQuotaInput {
    /// Name of a user or of a user group; every member of a group may hold that much. `public` is everybody.
    owner: String,
    /// Whether it gives or limits.
    #[graphql(default_with = "QuotaKind::Grant")]
    kind: QuotaKind,
    /// Tells ceilings of one owner apart: the smallest of all tags counts. Grants have none.
    #[graphql(default)]
    tag: String,
    /// Node group.
    group: String,
    /// Priority; not `AUTO`.
    priority: Priority,
    /// Nodes that may be held at the same time; 0 denies.
    nodes: i32,
    /// When it stops to count; never if left out.
    expires_at: Option<DateTime<Utc>>,
}

/// A quota of nodes of one's own.
#[derive(Debug, InputObject)]
pub(crate) struct SetMyQuotaInput {
    /// Node group.
    group: String,
    /// Priority; not `AUTO`.
    priority: Priority,
    /// Nodes that may be held at the same time.
    nodes: i32,
}

/// A quota of anything, by the name of the resource.
#[derive(Debug, InputObject)]
pub(crate) struct SetResourceQuotaInput {
    /// Name of a user or of a user group.
    owner: String,
    /// Name of the resource, for example `port`, `jupyter:training` or `node-training-HIGH`.
    resource: String,
    /// How much; 0 denies. Of `jupyter:…`: how many dev containers.
    amount: Long,
    /// Of `jupyter:…` only: memory of all dev containers together.
    memory_gib: Option<i32>,
    /// Of `jupyter:…` only: processors of each dev container.
    cpus: Option<i32>,
    /// When it stops to count; never if left out.
    expires_at: Option<DateTime<Utc>>,
}

/// A quota of nodes to be tried.
#[derive(Debug, InputObject)]
pub(crate) struct SimulateQuotaInput {
    /// Name of a user or of a user group.
    owner: String,
    /// Name of the resource: `node-GROUP-PRIORITY`, `node_limit-GROUP-PRIORITY` or `node_limit[TAG]-GROUP-PRIORITY`.
    resource: String,
    /// Nodes at the same time.
    nodes: i32,
}

impl SetQuotaInput {
    pub(super) fn read(self) -> Result<SetQuota> {
        Ok(SetQuota {
            owner: self.owner,
            kind: self.kind.into(),
            tag: self.tag,
            group: self.group,
            level: level(self.priority)?,
            nodes: self.nodes,
            expires_at: self.expires_at,
        })
    }
}

impl SetMyQuotaInput {
    pub(super) fn read(self) -> Result<SetOwnQuota> {
        Ok(SetOwnQuota {
            group: self.group,
            level: level(self.priority)?,
            nodes: self.nodes,
        })
    }
}

impl SetResourceQuotaInput {
    pub(super) fn read(self) -> Result<SetNamed> {
        Ok(SetNamed {
            owner: self.owner,
            resource: resource(&self.resource)?,
            amount: self.amount.0,
            memory_gib: self.memory_gib,
            cpus: self.cpus,
            expires_at: self.expires_at,
        })
    }
}

impl SimulateQuotaInput {
    pub(super) fn read(self) -> Result<SetNamed> {
        Ok(SetNamed {
            owner: self.owner,
            resource: resource(&self.resource)?,
            amount: self.nodes.into(),
            memory_gib: None,
            cpus: None,
            expires_at: None,
        })
    }
}

fn level(priority: Priority) -> Result<Level> {
    let no_level = || Error::invalid("priority", "must be a level: AUTO has no quota of its own");
    priority.level().ok_or_else(no_level)
}

/// The resource with this name.
///
/// # Errors
/// [`Error::Invalid`] says what is wrong with it.
pub(super) fn resource(name: &str) -> Result<Resource> {
    let resource = name.parse::<Resource>();
    resource.map_err(|error| Error::invalid("resource", error.to_string()))
}

/// A quota to be removed.
#[derive(Debug, InputObject)]
pub(crate) struct RemoveQuotaInput {
    /// Name of a user or of a user group.
    pub(super) owner: String,
    /// Name of the resource, for example `node-training-HIGH`.
    pub(super) resource: String,
}
