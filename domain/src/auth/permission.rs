//! What members of a group may do beyond their own things, by name, so that no client has to know a list of groups.

use super::UserActor;

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
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

impl Permission {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::CreateUsers,
        Self::ActivateUsers,
        Self::ManageGroups,
        Self::ManageTokens,
        Self::ManageQuotas,
        Self::ManageExternalQuotas,
        Self::ManageTasks,
        Self::SetPriorities,
        Self::ManageNodes,
        Self::ManageMounts,
        Self::Inspect,
        Self::ReadAudit,
    ];

    /// The groups whose members have it, beside `root`, whose members have all (the original's names).
    pub fn groups(self) -> &'static [&'static str] {
        match self {
            Self::CreateUsers => &[
                "cluster_manager",
                "ops",
                "account_manager",
                "developer_admin",
            ],
            Self::ActivateUsers => &["developer_admin"],
            Self::ManageGroups | Self::ReadAudit => &[],
            Self::ManageTokens => &["create_access_token"],
            Self::ManageQuotas => &["internal_quota_limit_editor"],
            Self::ManageExternalQuotas => &["internal_quota_limit_editor", "external_quota_editor"],
            Self::ManageTasks => &["task_admin"],
            Self::SetPriorities => &["task_admin", "cluster_manager"],
            Self::ManageNodes | Self::ManageMounts => &["cluster_manager", "ops"],
            Self::Inspect => &["ops", "system", "platform"],
        }
    }
}

impl UserActor {
    /// Whether the user has it.
    pub fn has(&self, permission: Permission) -> bool {
        self.in_any(permission.groups())
    }

    /// All that the user has.
    pub fn permissions(&self) -> Vec<Permission> {
        let all = Permission::ALL.into_iter();
        all.filter(|permission| self.has(*permission)).collect()
    }
}
