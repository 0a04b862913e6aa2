//! What would change if a quota were another: plans twice, writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use entity::TaskId;
use scheduler::{
    Decision, GroupName, Level, Millis, Plan, QuotaKind, Snapshot, TaskKey, UserGroup, UserName,
    Wait, explain, plan,
};
use tokio::task::spawn_blocking;

use super::named::of_nodes;
use super::owner::{Owner, permit};
use super::{Kind, SetNamed, SetQuota};
use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::workers::{policy, snapshot};

/// What would be different if the quota were another: at once, not what follows from that later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulation {
    /// Tasks that would start, and now do not.
    pub starts: Vec<Start>,
    /// Tasks that would have to give way, and now have not.
    pub give_way: Vec<GivesWay>,
    /// Tasks whose reason to wait would be another.
    pub waits: Vec<WaitChange>,
}

/// A task that would start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The task.
    pub task: TaskId,
    /// At which level.
    pub level: Level,
    /// On which nodes, by rank.
    pub nodes: Vec<String>,
}

/// A task that would have to give way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivesWay {
    /// The task.
    pub task: TaskId,
    /// For which task.
    pub for_task: TaskId,
}

/// A task that would wait for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitChange {
    /// The task.
    pub task: TaskId,
    /// Why it waits, in a sentence; absent if it does not.
    pub before: Option<String>,
    /// Why it would wait, in a sentence; absent if it would not.
    pub after: Option<String>,
}

/// What would be different if an owner had so much of a resource.
///
/// # Errors
/// [`Error::Invalid`] names the field, [`Error::Forbidden`] for those who may not set it either.
pub async fn simulate(app: &App, actor: &Actor, input: SetNamed) -> Result<Simulation> {
    let owner = permit(app.reader(), actor, &input.owner).await?;
    let not_nodes = || Error::invalid("resource", "is not about nodes, so no plan depends on it");
    let quota = of_nodes(&input)?.ok_or_else(not_nodes)?;
    if quota.nodes < 0 {
        return Err(Error::invalid("amount", "must not be negative"));
    }
    let before = snapshot(app).await?;
    let now = before.now;
    let planned = spawn_blocking(move || {
        let mut after = before.clone();
        put(&mut after, owner, quota);
        let plans = [before, after].map(|snapshot| plan(&snapshot, &policy()));
        compare(&plans[0], &plans[1], now)
    });
    planned.await.map_err(|error| Error::Internal(error.into()))
}

/// The row of the quota takes the place of the one that is there.
fn put(snapshot: &mut Snapshot, owner: Owner, quota: SetQuota) {
    let row = scheduler::Quota {
        owner: match owner {
            Owner::User(_) => scheduler::Owner::User(UserName(quota.owner)),
            Owner::Guests | Owner::Group => scheduler::Owner::Group(UserGroup(quota.owner)),
        },
        group: GroupName(quota.group),
        kind: match quota.kind {
            Kind::Grant => QuotaKind::Grant,
            Kind::Ceiling => QuotaKind::Ceiling,
        },
        tag: quota.tag,
        level: quota.level.value(),
        nodes: quota.nodes.into(),
        expires_at: quota.expires_at.map(|end| end.timestamp_millis()),
    };
    let is_same = |other: &scheduler::Quota| {
        (&other.owner, &other.group, other.kind) == (&row.owner, &row.group, row.kind)
            && (&other.tag, other.level) == (&row.tag, row.level)
    };
    snapshot.quotas.retain(|other| !is_same(other));
    snapshot.quotas.push(row);
}

fn compare(before: &Plan, after: &Plan, now: Millis) -> Simulation {
    let started = starts(before);
    let starts = starts(after).into_iter();
    let gave_way = victims(before);
    let give_way = victims(after).into_iter();
    Simulation {
        starts: starts
            .filter(|(task, _)| !started.contains_key(task))
            .map(|(_, start)| start)
            .collect(),
        give_way: give_way
            .filter(|(task, _)| !gave_way.contains_key(task))
            .map(|(task, for_task)| GivesWay {
                task: TaskId(task.0),
                for_task: TaskId(for_task.0),
            })
            .collect(),
        waits: waits(before, after, now),
    }
}

fn starts(plan: &Plan) -> BTreeMap<TaskKey, Start> {
    let start = |decision: &Decision| match decision {
        Decision::Start { task, level, nodes } => {
            let start = Start {
                task: TaskId(task.0),
                level: *level,
                nodes: nodes.iter().map(|node| node.0.clone()).collect(),
            };
            Some((*task, start))
        }
        Decision::Relevel { .. } | Decision::Preempt { .. } | Decision::Release { .. } => None,
    };
    plan.decisions.iter().filter_map(start).collect()
}

fn victims(plan: &Plan) -> BTreeMap<TaskKey, TaskKey> {
    let mut found = BTreeMap::new();
    for decision in &plan.decisions {
        if let Decision::Preempt { task, victims, .. } = decision {
            found.extend(victims.iter().map(|victim| (*victim, *task)));
        }
    }
    found
}

fn waits(before: &Plan, after: &Plan, now: Millis) -> Vec<WaitChange> {
    let by_task = |plan: &Plan| -> BTreeMap<TaskKey, Wait> {
        let waits = plan.report.waiting.iter();
        waits.map(|wait| (wait.task, wait.clone())).collect()
    };
    let (before, after) = (by_task(before), by_task(after));
    let tasks: BTreeSet<&TaskKey> = before.keys().chain(after.keys()).collect();
    let reason = |wait: Option<&Wait>| wait.map(|wait| wait.reason.clone());
    let changed = tasks
        .into_iter()
        .filter(|task| reason(before.get(task)) != reason(after.get(task)));
    changed
        .map(|task| WaitChange {
            task: TaskId(task.0),
            before: before.get(task).map(|wait| explain(wait, now)),
            after: after.get(task).map(|wait| explain(wait, now)),
        })
        .collect()
}
