//! Puts reasons and issues into words for a human.

use std::fmt;

use crate::{Issue, Millis, Owner, Priority, QuotaFault, TaskKey, Wait, WaitReason};

/// Why the task waits, as one English sentence without a subject and a final dot.
///
/// Moments to come are told as seen from `now`, which may be later than the plan.
pub fn explain(wait: &Wait, now: Millis) -> String {
    let user = &wait.user;
    let group = match &wait.zone {
        None => format!("group {}", wait.group),
        Some(zone) => format!("zone {zone} of group {}", wait.group),
    };
    match &wait.reason {
        WaitReason::Duplicate => "cannot run: the platform holds several rows for it".into(),
        WaitReason::UnknownUser => format!("cannot run: its owner {user} is not known"),
        WaitReason::InactiveUser => format!("cannot run: its owner {user} is not active"),
        WaitReason::NoSuchGroup => format!("cannot run: no node is in group {}", wait.group),
        WaitReason::Held => "held by its owner until it is resumed".into(),
        WaitReason::NoNodesAsked => "cannot run: it asks for no nodes".into(),
        WaitReason::GroupTooSmall { needed, total } => {
            format!(
                "can never run: {} needed, {group} has {total}",
                nodes(*needed)
            )
        }
        WaitReason::NoQuota { priority } => {
            let level = match priority {
                Priority::Auto => "any level",
                Priority::Fixed(level) => level.name(),
            };
            format!(
                "can never run: {user} has no quota at {level} in group {}",
                wait.group
            )
        }
        WaitReason::QuotaTooSmall {
            level,
            needed,
            limit,
        } => {
            let group = &wait.group;
            let needed = nodes(*needed);
            format!(
                "can never run: {needed} needed, {user} has {limit} at {level} in group {group}"
            )
        }
        WaitReason::Backoff { until } => {
            format!("failed recently and is tried again {}", from(now, *until))
        }
        WaitReason::ExcludedNodes {
            needed,
            ready,
            excluded,
            until,
        } => format!(
            "failed recently on {excluded} of the {ready} ready nodes of {group} and needs {needed}: \
             enough may be used again {}",
            from(now, *until)
        ),
        WaitReason::OutOfQuota {
            level,
            needed,
            used,
            promised,
            limit,
        } => format!(
            "waits for quota of {user} at {level} in group {}: {} needed, {used} of {limit} in use{}",
            wait.group,
            nodes(*needed),
            also(*promised, "promised to earlier tasks"),
        ),
        WaitReason::Draining {
            needed,
            free,
            tasks,
        } => format!(
            "starts when {} given back what is reserved for it in {group}: {needed} reserved, {free} free",
            have_tasks(tasks),
        ),
        WaitReason::NotEnoughNodes {
            needed,
            free,
            ready: _,
            draining,
            reserved,
            excluded,
            disabled,
        } => format!(
            "waits for {} in {group}: {needed} needed, {free} free{}{}{}{}",
            more_nodes(needed.saturating_sub(*free)),
            also(*draining, "about to be free"),
            also(*reserved, "reserved for other tasks"),
            also(*excluded, "excluded because it failed there"),
            also(*disabled, "disabled"),
        ),
        WaitReason::Behind { head, n_ahead: 1 } => {
            format!(
                "waits behind task {head}, the first in line in group {}",
                wait.group
            )
        }
        WaitReason::Behind { head, n_ahead } => {
            format!(
                "waits behind {n_ahead} tasks in group {}, first task {head}",
                wait.group
            )
        }
    }
}

fn nodes(n: u32) -> String {
    match n {
        1 => "1 node".into(),
        n => format!("{n} nodes"),
    }
}

fn more_nodes(n: u32) -> String {
    match n {
        1 => "1 more node".into(),
        n => format!("{n} more nodes"),
    }
}

fn have_tasks(tasks: &[TaskKey]) -> String {
    match tasks {
        [task] => format!("task {task} has"),
        tasks => format!("the tasks {} have", list(tasks)),
    }
}

fn list(tasks: &[TaskKey]) -> String {
    let tasks: Vec<String> = tasks.iter().map(ToString::to_string).collect();
    tasks.join(", ")
}

fn also(n: u32, what: &str) -> String {
    match n {
        0 => String::new(),
        n => format!(", {n} {what}"),
    }
}

/// How long from now, rounded up, in a unit that suits it.
fn from(now: Millis, until: Millis) -> String {
    let seconds = until.saturating_sub(now).max(0).saturating_add(999) / 1_000;
    let minutes = seconds.saturating_add(59) / 60;
    let hours = minutes.saturating_add(59) / 60;
    match seconds {
        0 => "now".into(),
        1..120 => format!("in {seconds} s"),
        120..7_200 => format!("in {minutes} min"),
        _ => format!("in {hours} h"),
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateNode { node } => {
                write!(f, "several nodes are named {node}: none is used")
            }
            Self::DuplicateUser { user } => {
                write!(
                    f,
                    "several users are named {user}: none of their tasks is started"
                )
            }
            Self::DuplicateTask { task } => {
                write!(
                    f,
                    "several tasks have the key {task}: none of them is started"
                )
            }
            Self::MalformedQuota { quota, fault } => {
                let owner = match &quota.owner {
                    Owner::User(user) => format!("user {user}"),
                    Owner::Group(group) => format!("user group {group}"),
                };
                write!(
                    f,
                    "a quota row of {owner} for group {} does not count: {fault}",
                    quota.group
                )?;
                write!(f, " (level {}, nodes {})", quota.level, quota.nodes)
            }
            Self::UnknownNode { task, node } => {
                write!(
                    f,
                    "task {task} is on node {node}, which is not in the cluster"
                )
            }
            Self::NodeClaimedTwice { node, tasks } => {
                write!(f, "node {node} is claimed by the tasks {}", list(tasks))
            }
        }
    }
}

impl fmt::Display for QuotaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownLevel => "its level does not exist",
            Self::NegativeNodes => "it counts less than zero nodes",
        })
    }
}

impl std::error::Error for QuotaFault {}

#[cfg(test)]
mod tests;
