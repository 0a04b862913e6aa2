//! Quotas as clients see them.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use domain::Result;
use domain::quota::{self, Kind};

use crate::scalar::{Long, int};
use crate::task::Priority;

/// Whether a quota of nodes gives or limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum QuotaKind {
    /// So many nodes may be held. A user's own one wins; else the largest of the user's groups counts.
    Grant,
    /// No grant counts for more. The smallest counts.
    Ceiling,
}

impl From<QuotaKind> for Kind {
    fn from(kind: QuotaKind) -> Self {
        match kind {
            QuotaKind::Grant => Self::Grant,
            QuotaKind::Ceiling => Self::Ceiling,
        }
    }
}

impl From<Kind> for QuotaKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Grant => Self::Grant,
            Kind::Ceiling => Self::Ceiling,
        }
    }
}

/// How many nodes a user, or each member of a user group, may hold in a node group at a priority.
#[derive(Debug, SimpleObject)]
pub(crate) struct Quota {
    /// Name of the user or of the user group.
    owner: String,
    /// Whether it gives or limits.
    kind: QuotaKind,
    /// Tells ceilings of one owner apart; empty without.
    tag: String,
    /// Node group.
    group: String,
    /// Priority.
    priority: Priority,
    /// Nodes that may be held at the same time.
    nodes: i32,
    /// When it stops to count; never if absent.
    expires_at: Option<DateTime<Utc>>,
}

impl Quota {
    pub(super) fn of(row: quota::Quota) -> Result<Self> {
        Ok(Self {
            priority: Priority::from_value(row.level)?,
            owner: row.owner,
            kind: row.kind.into(),
            tag: row.tag,
            group: row.group_name,
            nodes: row.nodes,
            expires_at: row.expires_at,
        })
    }
}

/// How much a user, or each member of a user group, may have of something.
#[derive(Debug, SimpleObject)]
#[graphql(name = "ResourceQuota")]
pub(crate) struct NamedQuota {
    /// Name of the user or of the user group.
    owner: String,
    /// Name of the resource.
    resource: String,
    /// How much. Of `jupyter:…`: how many dev containers.
    amount: Long,
    /// Of `jupyter:…` only: memory of all dev containers together.
    memory_gib: Option<i32>,
    /// Of `jupyter:…` only: processors of each dev container.
    cpus: Option<i32>,
    /// When it stops to count; never if absent.
    expires_at: Option<DateTime<Utc>>,
}

impl From<quota::NamedQuota> for NamedQuota {
    fn from(row: quota::NamedQuota) -> Self {
        Self {
            owner: row.owner,
            resource: row.resource,
            amount: Long(row.amount),
            memory_gib: row.memory_gib,
            cpus: row.cpus,
            expires_at: row.expires_at,
        }
    }
}

/// A change of a quota.
#[derive(Debug, SimpleObject)]
pub(crate) struct QuotaChange {
    /// When.
    at: DateTime<Utc>,
    /// Name of whoever held the token.
    editor: String,
    /// Name of the user or of the user group.
    owner: String,
    /// Name of the resource.
    resource: String,
    /// What it was; absent if there was none. Of `jupyter:…`: memory, three digits of processors and two of the count in
    /// one number.
    before: Option<Long>,
    /// What it is since then; absent if it was removed.
    after: Option<Long>,
    /// When it stops to count; never if absent.
    expires_at: Option<DateTime<Utc>>,
}

impl From<quota::QuotaChange> for QuotaChange {
    fn from(row: quota::QuotaChange) -> Self {
        Self {
            at: row.at,
            editor: row.editor,
            owner: row.owner,
            resource: row.resource,
            before: row.before.map(Long),
            after: row.after.map(Long),
            expires_at: row.expires_at,
        }
    }
}

/// What a user holds and may hold in one node group at one priority.
#[derive(Debug, SimpleObject)]
pub(crate) struct QuotaUsage {
    /// Node group.
    group: String,
    /// Priority.
    priority: Priority,
    /// Nodes that the user holds now, those of runs that are ending too.
    used: i32,
    /// Nodes that the user may hold at the same time: what is granted, but no more than the ceiling.
    limit: i32,
    /// The smallest ceiling; absent if there is none.
    ceiling: Option<i32>,
    /// Nodes that the user may hold beside those held now.
    available: i32,
}

impl From<quota::QuotaUsage> for QuotaUsage {
    fn from(usage: quota::QuotaUsage) -> Self {
        Self {
            available: int(usage.available()),
            group: usage.group,
            priority: usage.level.into(),
            used: int(usage.used),
            limit: int(usage.limit),
            ceiling: usage.ceiling.map(int),
        }
    }
}
