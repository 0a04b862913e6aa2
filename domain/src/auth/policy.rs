//! Who may do what: one pure function.

use entity::user::Role;
use entity::{UserId, task};

use super::{Actor, Permission};
use crate::error::{Error, Result};

/// Something that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See what everybody who signed in may see: nodes, the overview, oneself.
    Look,
    /// Submit a task of one's own.
    SubmitTask,
    /// See a task, its runs and its log.
    ReadTask,
    /// Stop a task, hold it, let it run again.
    StopTask,
    /// Change how urgent a task is.
    SetPriority,
    /// Say whether one's team may see a task.
    ShareTask,
    /// See who there is.
    ReadUsers,
    /// Create a user.
    CreateUser,
    /// Let a user in, or shut one out.
    ActivateUser,
    /// Say to which groups a user belongs.
    SetGroups,
    /// See the tokens that act for a user or are held by one.
    ReadTokens,
    /// Make or revoke a token that acts for a user.
    MakeToken,
    /// See a user's quotas.
    ReadQuotas,
    /// Set the quota of a user oneself, within the ceilings.
    SetOwnQuota,
    /// Set a quota or a ceiling.
    SetQuota,
    /// Set a quota of a guest.
    SetExternalQuota,
    /// See the names of nodes as they are, where they stand, and what became of them.
    KnowNodes,
    /// Enable and disable nodes, and say which there should be.
    ManageNodes,
    /// Say which directories whose tasks see.
    ManageMounts,
    /// See what a task of a user mounts.
    ReadMounts,
    /// Find out which task was on a node.
    LocateTask,
    /// Read who did what.
    ReadAudit,
    /// What an agent says about its own rank.
    ReportRank,
    /// Get an agent's next token, also when the one it has has run out.
    RenewAgentToken,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Look,
        Self::SubmitTask,
        Self::ReadTask,
        Self::StopTask,
        Self::SetPriority,
        Self::ShareTask,
        Self::ReadUsers,
        Self::CreateUser,
        Self::ActivateUser,
        Self::SetGroups,
        Self::ReadTokens,
        Self::MakeToken,
        Self::ReadQuotas,
        Self::SetOwnQuota,
        Self::SetQuota,
        Self::SetExternalQuota,
        Self::KnowNodes,
        Self::ManageNodes,
        Self::ManageMounts,
        Self::ReadMounts,
        Self::LocateTask,
        Self::ReadAudit,
        Self::ReportRank,
        Self::RenewAgentToken,
    ];

    /// Whether it changes nothing.
    pub fn is_reading(self) -> bool {
        match self {
            Self::Look
            | Self::ReadTask
            | Self::ReadUsers
            | Self::ReadTokens
            | Self::ReadQuotas
            | Self::KnowNodes
            | Self::ReadMounts
            | Self::LocateTask
            | Self::ReadAudit => true,
            Self::SubmitTask
            | Self::StopTask
            | Self::SetPriority
            | Self::ShareTask
            | Self::CreateUser
            | Self::ActivateUser
            | Self::SetGroups
            | Self::MakeToken
            | Self::SetOwnQuota
            | Self::SetQuota
            | Self::SetExternalQuota
            | Self::ManageNodes
            | Self::ManageMounts
            | Self::ReportRank
            | Self::RenewAgentToken => false,
        }
    }
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The platform as a whole.
    Platform,
    /// Something of this user.
    Of(UserId),
    /// A task.
    Task {
        /// Whose it is.
        owner: UserId,
        /// The team in which its owner shares it.
        shared_in: Option<&'a str>,
    },
}

impl<'a> From<&'a task::Model> for Target<'a> {
    fn from(task: &'a task::Model) -> Self {
        Self::Task {
            owner: task.user_id,
            shared_in: task.shared_in.as_deref(),
        }
    }
}

impl Target<'_> {
    /// Whose it is.
    fn owner(self) -> Option<UserId> {
        match self {
            Self::Platform => None,
            Self::Of(owner) | Self::Task { owner, .. } => Some(owner),
        }
    }

    /// Whether its owner shares it with this team.
    fn is_shared_in(self, team: &str) -> bool {
        match self {
            Self::Platform | Self::Of(_) => false,
            Self::Task { shared_in, .. } => shared_in == Some(team),
        }
    }
}

/// Whether the actor may do it.
pub fn may(actor: &Actor, action: Action, target: Target<'_>) -> bool {
    let user = match actor {
        Actor::Agent(agent) => {
            return action == Action::RenewAgentToken
                || (action == Action::ReportRank && !agent.expired);
        }
        Actor::User(user) => user,
    };
    if !user.scope.allows(action) {
        return false;
    }
    let is_own = target.owner() == Some(user.id);
    let is_internal = user.role == Role::Internal;
    match action {
        Action::Look | Action::SubmitTask => true,
        Action::ReadTask => {
            is_own || user.has(Permission::ManageTasks) || target.is_shared_in(&user.shared_group)
        }
        Action::StopTask => is_own || user.has(Permission::ManageTasks),
        Action::ShareTask => is_own,
        Action::SetPriority => is_own || user.has(Permission::SetPriorities),
        Action::ReadUsers => is_internal || user.has(Permission::ActivateUsers),
        Action::CreateUser => user.has(Permission::CreateUsers),
        Action::ActivateUser => user.has(Permission::ActivateUsers),
        Action::SetGroups => user.has(Permission::ManageGroups),
        Action::ReadTokens | Action::MakeToken => is_own || user.has(Permission::ManageTokens),
        Action::ReadQuotas => is_own || user.has(Permission::ManageQuotas),
        Action::SetOwnQuota => is_own && is_internal,
        Action::SetQuota => user.has(Permission::ManageQuotas),
        Action::SetExternalQuota => user.has(Permission::ManageExternalQuotas),
        Action::KnowNodes => {
            is_internal || user.has(Permission::ManageNodes) || user.has(Permission::Inspect)
        }
        Action::ManageNodes => user.has(Permission::ManageNodes),
        Action::ManageMounts => user.has(Permission::ManageMounts),
        Action::ReadMounts => is_own || user.has(Permission::Inspect),
        Action::LocateTask => user.has(Permission::Inspect),
        Action::ReadAudit => user.has(Permission::ReadAudit),
        Action::ReportRank | Action::RenewAgentToken => false,
    }
}

/// Whether there is anything that the actor may do it to.
pub fn may_at_all(actor: &Actor, action: Action) -> bool {
    let own = actor.user().map(|user| Target::Of(user.id));
    may(actor, action, own.unwrap_or(Target::Platform))
}

/// Refuses what the actor may not do.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn require(actor: &Actor, action: Action, target: Target<'_>) -> Result<()> {
    if may(actor, action, target) {
        return Ok(());
    }
    let reason = match action {
        Action::CreateUser => "only administrators of users may create users",
        Action::ActivateUser => "only administrators of users may let users in or shut them out",
        Action::SetGroups => "only members of root may change the groups of users",
        Action::SetQuota | Action::SetExternalQuota => {
            "only administrators of quotas may set quotas"
        }
        Action::SetOwnQuota => "only members of the organisation may set a quota of their own",
        Action::KnowNodes => "only members of the organisation may see what became of nodes",
        Action::LocateTask => "only administrators may see which task was on a node",
        Action::ManageNodes => "only administrators of nodes may change them",
        Action::ManageMounts => "only administrators of mounts may change them",
        Action::ReadAudit => "only members of root may read who did what",
        Action::ReportRank => "only the agent of a rank may report on it",
        Action::RenewAgentToken => "this is for agents only",
        Action::Look
        | Action::SubmitTask
        | Action::ReadTask
        | Action::StopTask
        | Action::SetPriority
        | Action::ShareTask
        | Action::ReadUsers
        | Action::ReadTokens
        | Action::MakeToken
        | Action::ReadQuotas
        | Action::ReadMounts => "this token may not do that",
    };
    Err(Error::Forbidden(reason.to_owned()))
}

/// Refuses what the actor may not do to something of the user of this name. Nobody is looked up: who may not is told the
/// same whether there is such a user or not.
///
/// # Errors
/// As [`require`].
pub fn require_of_named(actor: &Actor, action: Action, name: &str) -> Result<()> {
    let own = actor.user().filter(|user| user.name == name);
    let target = own.map_or(Target::Platform, |user| Target::Of(user.id));
    require(actor, action, target)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use entity::{RunId, TaskId};

    use super::*;
    use crate::auth::{AgentActor, Scope, UserActor};

    /// All groups that give rights.
    const ADMINS: [&str; 11] = [
        "account_manager",
        "cluster_manager",
        "create_access_token",
        "developer_admin",
        "external_quota_editor",
        "internal_quota_limit_editor",
        "ops",
        "platform",
        "system",
        "task_admin",
        "root",
    ];

    fn actor(id: i64, role: Role, scope: Scope, groups: &[&str]) -> Actor {
        Actor::User(UserActor {
            id: UserId(id),
            name: format!("user{id}"),
            holder: format!("user{id}"),
            scope,
            role,
            shared_group: if id == 4 { "lab" } else { "default" }.to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
        })
    }

    fn user(id: i64, groups: &[&str]) -> Actor {
        actor(id, Role::Internal, Scope::All, groups)
    }

    #[test]
    fn the_table_of_who_may_do_what_is_as_committed() {
        let agent = Actor::Agent(AgentActor {
            task: TaskId(1),
            run: RunId(1),
            rank: 0,
            expired: false,
        });
        let admin = |group: &'static str| (group, user(3, &[group]));
        let mut actors = vec![
            ("owner", user(1, &[])),
            ("owner, external", actor(1, Role::External, Scope::All, &[])),
            ("owner, to read", actor(1, Role::Internal, Scope::Read, &[])),
            (
                "owner, no jupyter",
                actor(1, Role::Internal, Scope::ExceptJupyter, &[]),
            ),
            ("other", user(2, &[])),
            ("other, external", actor(2, Role::External, Scope::All, &[])),
            ("team", user(4, &[])),
            ("team, external", actor(4, Role::External, Scope::All, &[])),
            ("agent", agent),
        ];
        actors.extend(ADMINS.into_iter().map(admin));
        actors.push((
            "root, to read",
            actor(6, Role::Internal, Scope::Read, &["root"]),
        ));
        let own = Target::Of(UserId(1));
        let shared = Target::Task {
            owner: UserId(1),
            shared_in: Some("lab"),
        };
        let all = Action::ALL.map(|action| (action, own, ""));
        let of_shared = [Action::ReadTask, Action::StopTask, Action::SetPriority]
            .map(|action| (action, shared, ", of a task that is shared in the team"));
        let mut table = String::new();
        for (action, target, what) in all.into_iter().chain(of_shared) {
            let _ = writeln!(table, "{action:?}{what}");
            for (name, actor) in &actors {
                if may(actor, action, target) {
                    let _ = writeln!(table, "    {name}");
                }
            }
        }
        insta::assert_snapshot!(table);
    }
}
