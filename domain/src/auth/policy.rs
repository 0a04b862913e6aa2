//! Who may do what: one pure function.

use entity::UserId;

use super::Actor;
use crate::error::{Error, Result};

/// Something that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See what everybody who signed in may see: nodes, the overview, oneself.
    Look,
    /// Submit a task of one's own.
    SubmitTask,
    /// See a task, its runs and its log.
    ReadTask,
    /// Stop a task.
    StopTask,
    /// Change how urgent a task is.
    SetPriority,
    /// Create a user.
    CreateUser,
    /// Set a quota.
    SetQuota,
    /// What an agent says about its own rank.
    ReportRank,
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The platform as a whole.
    Platform,
    /// Something of this user.
    Of(UserId),
}

/// Groups whose members act on everybody's tasks (`spec`: `task_admin`).
const TASK_ADMINS: &[&str] = &["task_admin"];
/// Groups whose members change the priority of everybody's tasks, beside those who may do anything to them.
const PRIORITY_ADMINS: &[&str] = &["cluster_manager"];
/// Groups whose members create users.
const USER_ADMINS: &[&str] = &[
    "cluster_manager",
    "ops",
    "account_manager",
    "developer_admin",
];
/// Groups whose members set quotas.
const QUOTA_ADMINS: &[&str] = &["internal_quota_limit_editor"];

/// Whether the actor may do it.
pub fn may(actor: &Actor, action: Action, target: Target) -> bool {
    let user = match actor {
        Actor::Agent(agent) => return action == Action::ReportRank && !agent.expired,
        Actor::User(user) => user,
    };
    match action {
        Action::Look | Action::SubmitTask => true,
        Action::ReadTask | Action::StopTask => {
            target == Target::Of(user.id) || user.in_any(TASK_ADMINS)
        }
        Action::SetPriority => {
            target == Target::Of(user.id)
                || user.in_any(TASK_ADMINS)
                || user.in_any(PRIORITY_ADMINS)
        }
        Action::CreateUser => user.in_any(USER_ADMINS),
        Action::SetQuota => user.in_any(QUOTA_ADMINS),
        Action::ReportRank => false,
    }
}

/// Refuses what the actor may not do.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn require(actor: &Actor, action: Action, target: Target) -> Result<()> {
    if may(actor, action, target) {
        return Ok(());
    }
    Err(Error::Forbidden(match action {
        Action::CreateUser => "only administrators of users may create users".to_owned(),
        Action::SetQuota => "only administrators of quotas may set quotas".to_owned(),
        Action::ReportRank => "only the agent of a rank may report on it".to_owned(),
        Action::Look
        | Action::SubmitTask
        | Action::ReadTask
        | Action::StopTask
        | Action::SetPriority => "this token may not do that".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use entity::{RunId, TaskId, user::Role};

    use super::*;
    use crate::auth::{AgentActor, UserActor};

    fn user(id: i64, groups: &[&str]) -> Actor {
        Actor::User(UserActor {
            id: UserId(id),
            name: format!("user{id}"),
            role: Role::Internal,
            groups: groups.iter().map(ToString::to_string).collect(),
        })
    }

    #[test]
    fn the_table_of_who_may_do_what_is_as_committed() {
        let agent = Actor::Agent(AgentActor {
            task: TaskId(1),
            run: RunId(1),
            rank: 0,
            expired: false,
        });
        let actors = [
            ("owner", user(1, &["public"])),
            ("other", user(2, &["public"])),
            ("task_admin", user(3, &["task_admin"])),
            ("cluster_manager", user(7, &["cluster_manager"])),
            ("ops", user(4, &["ops"])),
            ("quota editor", user(5, &["internal_quota_limit_editor"])),
            ("root", user(6, &["root"])),
            ("agent", agent),
        ];
        let actions = [
            Action::Look,
            Action::SubmitTask,
            Action::ReadTask,
            Action::StopTask,
            Action::SetPriority,
            Action::CreateUser,
            Action::SetQuota,
            Action::ReportRank,
        ];
        let mut table = String::new();
        for (name, actor) in &actors {
            let _ = write!(table, "{name:>15}:");
            for action in actions {
                let mark = if may(actor, action, Target::Of(UserId(1))) {
                    "yes"
                } else {
                    "-"
                };
                let _ = write!(table, " {action:?}={mark}");
            }
            table.push('\n');
        }
        insta::assert_snapshot!(table);
    }
}
