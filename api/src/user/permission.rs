//! What users may do beyond their own things, in the words of the schema.

use async_graphql::Enum;

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::auth::Permission")]
pub(crate) enum Permission {
    /// Create users.
    CreateUsers,
    /// Let users in and shut them out.
    ActivateUsers,
    /// Say to which groups users belong.
    ManageGroups,
    /// Make, see and revoke everybody's tokens.
    ManageTokens,
    /// Set everybody's quotas.
    ManageQuotas,
    /// Set the quotas of guests.
    ManageExternalQuotas,
    /// See and change everybody's tasks.
    ManageTasks,
    /// Change how urgent everybody's tasks are.
    SetPriorities,
    /// Enable and disable nodes, and say which there should be.
    ManageNodes,
    /// Say which directories whose tasks see.
    ManageMounts,
    /// See what the tasks of others would mount, and which task was on a node.
    Inspect,
    /// Read who did what.
    ReadAudit,
}
