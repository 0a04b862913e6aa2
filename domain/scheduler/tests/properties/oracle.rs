//! What is true of a snapshot and a plan, found in the slowest and plainest way.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use scheduler::{
    Decision, GroupName, Holder, Level, Node, NodeName, Owner, Plan, Policy, Priority, QuotaKind,
    Readiness, Snapshot, Task, TaskKey, TaskState, User, Wait, WaitReason,
};

use crate::world::is_draining;

pub(crate) fn task(snapshot: &Snapshot, key: TaskKey) -> &Task {
    snapshot
        .tasks
        .iter()
        .find(|task| task.key == key)
        .expect("a plan is about tasks of the snapshot")
}

pub(crate) fn starts(plan: &Plan) -> impl Iterator<Item = (TaskKey, Level, &[NodeName])> {
    plan.decisions.iter().filter_map(|decision| match decision {
        Decision::Start { task, level, nodes } => Some((*task, *level, &nodes[..])),
        Decision::Relevel { .. } | Decision::Preempt { .. } | Decision::Release { .. } => None,
    })
}

pub(crate) fn is_kept_from_nobody_but(task: &Task, node: &Node) -> bool {
    node.reserved_for.is_none_or(|holder| holder == task.key)
}

/// All nodes that are kept for this task.
pub(crate) fn reserved(snapshot: &Snapshot, key: TaskKey) -> Vec<&Node> {
    let nodes = snapshot.nodes.iter();
    nodes
        .filter(|node| node.reserved_for == Some(key))
        .collect()
}

pub(crate) fn is_waiting(task: &Task) -> bool {
    matches!(task.state, TaskState::Waiting { .. })
}

/// The nodes of the task's group, and zone.
fn reachable<'a>(snapshot: &'a Snapshot, task: &Task) -> Vec<&'a Node> {
    (snapshot.nodes.iter())
        .filter(|node| node.group == task.group)
        .filter(|node| task.zone.is_none() || node.zone == task.zone)
        .collect()
}

pub(crate) fn ready<'a>(snapshot: &'a Snapshot, task: &Task) -> Vec<&'a Node> {
    let nodes = reachable(snapshot, task).into_iter();
    nodes
        .filter(|node| node.readiness == Readiness::Ready)
        .collect()
}

pub(crate) fn disabled<'a>(snapshot: &'a Snapshot, task: &Task) -> Vec<&'a Node> {
    let nodes = reachable(snapshot, task).into_iter();
    nodes
        .filter(|node| node.readiness == Readiness::Disabled)
        .collect()
}

pub(crate) fn draining<'a>(snapshot: &'a Snapshot, waiting: &Task) -> Vec<&'a Node> {
    let is_draining = |holder| is_draining(&snapshot.tasks, holder);
    (ready(snapshot, waiting).into_iter())
        .filter(|node| matches!(node.holder, Holder::Task(holder) if is_draining(holder)))
        .filter(|node| node.reserved_for.is_none())
        .collect()
}

pub(crate) fn excluded<'a>(snapshot: &'a Snapshot, task: &Task) -> Vec<&'a Node> {
    let TaskState::Waiting { excluded, .. } = &task.state else {
        return Vec::new();
    };
    (ready(snapshot, task).into_iter())
        .filter(|node| {
            excluded
                .iter()
                .any(|each| each.node == node.name && each.until > snapshot.now)
        })
        .collect()
}

pub(crate) fn usable(snapshot: &Snapshot, task: &Task) -> Vec<NodeName> {
    let excluded = excluded(snapshot, task);
    (ready(snapshot, task).into_iter())
        .filter(|node| node.holder == Holder::Free && is_kept_from_nobody_but(task, node))
        .filter(|node| !excluded.contains(node))
        .map(|node| node.name.clone())
        .collect()
}

/// The tasks that have these nodes.
pub(crate) fn holders(nodes: &[&Node]) -> Vec<TaskKey> {
    let holders: BTreeSet<TaskKey> = (nodes.iter())
        .filter_map(|node| match node.holder {
            Holder::Task(task) => Some(task),
            Holder::Free | Holder::Other => None,
        })
        .collect();
    holders.into_iter().collect()
}

/// The nodes that active tasks say they have.
pub(crate) fn claimed(snapshot: &Snapshot) -> BTreeSet<NodeName> {
    let nodes = snapshot.tasks.iter().filter_map(|task| match &task.state {
        TaskState::Active { nodes, .. } => Some(nodes),
        TaskState::Waiting { .. } => None,
    });
    nodes.flatten().cloned().collect()
}

/// Whether all rows of that name say that the node can be used.
pub(crate) fn is_free(snapshot: &Snapshot, name: &NodeName) -> bool {
    let mut rows = snapshot.nodes.iter().filter(|node| node.name == *name);
    rows.all(|node| node.readiness == Readiness::Ready && node.holder == Holder::Free)
}

fn user<'a>(snapshot: &'a Snapshot, task: &Task) -> Option<&'a User> {
    snapshot.users.iter().find(|user| user.name == task.user)
}

/// What the owner of the task may use in its group.
pub(crate) fn limit(snapshot: &Snapshot, task: &Task, level: Level) -> u32 {
    let Some(user) = user(snapshot, task) else {
        return 0;
    };
    let rows = |kind, tag: &str, is_owner: &dyn Fn(&Owner) -> bool| -> Vec<i64> {
        (snapshot.quotas.iter())
            .filter(|row| row.tag == tag)
            .filter(|row| row.kind == kind && row.group == task.group && row.nodes >= 0)
            .filter(|row| row.level == level.value() && is_owner(&row.owner))
            .filter(|row| {
                row.expires_at
                    .is_none_or(|expires_at| snapshot.now < expires_at)
            })
            .map(|row| row.nodes)
            .collect()
    };
    let effective = |kind, tag| {
        let own = rows(kind, tag, &|owner| *owner == Owner::User(user.name.clone()));
        let shared = rows(kind, tag, &|owner| {
            user.groups
                .iter()
                .any(|group| *owner == Owner::Group(group.clone()))
        });
        if own.is_empty() { shared } else { own }
    };
    let grants = effective(QuotaKind::Grant, "");
    let grant = grants.into_iter().max().unwrap_or(0);
    let tags = snapshot.quotas.iter().map(|row| row.tag.as_str());
    let ceilings = tags.flat_map(|tag| effective(QuotaKind::Ceiling, tag));
    let ceiling = ceilings.min().unwrap_or(i64::MAX);
    u32::try_from(grant.min(ceiling)).expect("small numbers only")
}

/// What the owner of the task uses of that.
pub(crate) fn used(snapshot: &Snapshot, task: &Task, level: Level) -> u32 {
    let own = snapshot
        .tasks
        .iter()
        .filter(|other| is_same_owner(other, task));
    let nodes = own.map(|other| match &other.state {
        TaskState::Active {
            level: at, nodes, ..
        } if *at == level => nodes.len(),
        TaskState::Active { .. } | TaskState::Waiting { .. } => 0,
    });
    count(nodes.sum())
}

/// The levels a task may take, best first.
pub(crate) fn choices(task: &Task, policy: &Policy) -> Vec<Level> {
    match task.priority {
        Priority::Auto => policy.auto_levels.clone(),
        Priority::Fixed(level) => vec![level],
    }
}

fn is_same_owner(one: &Task, other: &Task) -> bool {
    one.user == other.user && one.group == other.group
}

/// Whether `one` goes before `other` if both have the same owner.
fn is_ranked_before(one: &Task, other: &Task) -> bool {
    let rank = |task: &Task| task.custom_rank.unwrap_or(task.key.0 as f64);
    (rank(one), one.key) < (rank(other), other.key)
}

pub(crate) fn count(len: usize) -> u32 {
    u32::try_from(len).expect("small numbers only")
}

/// Who was found fit to stand in line, in the order in which they were served.
pub(crate) struct Answer<'a> {
    lines: BTreeMap<&'a GroupName, Vec<(&'a Task, Level)>>,
}

impl<'a> Answer<'a> {
    /// Those who were started and those who stand in line now.
    pub(crate) fn of(snapshot: &'a Snapshot, plan: &Plan) -> Self {
        let started = starts(plan).map(|(key, level, _)| (key, level));
        let mut in_line: Vec<&Wait> = plan
            .report
            .waiting
            .iter()
            .filter(|wait| wait.position.is_some())
            .collect();
        in_line.sort_by_key(|wait| wait.position);
        let in_line = in_line.into_iter().map(|wait| {
            (
                wait.task,
                wait.level.expect("who stands in line has a level"),
            )
        });

        let mut lines = BTreeMap::<_, Vec<_>>::new();
        for (key, level) in started.chain(in_line) {
            let task = task(snapshot, key);
            lines.entry(&task.group).or_default().push((task, level));
        }
        Self { lines }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &[(&'a Task, Level)]> {
        self.lines.values().map(Vec::as_slice)
    }

    pub(crate) fn everybody(&self) -> impl Iterator<Item = (&'a Task, Level)> {
        self.lines.values().flatten().copied()
    }

    /// The owner's tasks of this level that go before the task.
    fn before(&self, task: &Task, level: Level) -> impl Iterator<Item = &'a Task> {
        self.everybody()
            .filter(move |(other, at)| is_same_owner(other, task) && *at == level)
            .map(|(other, _)| other)
            .filter(|other| is_ranked_before(other, task))
    }

    /// What the owner's earlier tasks get, or are promised, at this level.
    pub(crate) fn promised_before(&self, task: &Task, level: Level) -> u32 {
        self.before(task, level).map(|other| other.nodes).sum()
    }

    /// Sorts a line as it has to be.
    pub(crate) fn place(&self, task: &Task, level: Level) -> (Reverse<Level>, TaskKey, usize) {
        let youngest = self.before(task, level).map(|other| other.key).max();
        let place = youngest.map_or(task.key, |youngest| youngest.max(task.key));
        (Reverse(level), place, self.before(task, level).count())
    }
}

/// Whether what a reason says is so. `after` is the snapshot with the plan carried out, `line` who
/// stands in line there.
pub(crate) fn holds(
    after: &Snapshot,
    policy: &Policy,
    line: &Answer<'_>,
    task: &Task,
    reason: &WaitReason,
) -> bool {
    let choices = choices(task, policy);
    let limit = |level| limit(after, task, level);
    let largest = choices.iter().map(|level| limit(*level)).max().unwrap_or(0);
    let TaskState::Waiting {
        not_before, held, ..
    } = &task.state
    else {
        return false;
    };
    let enough_at = |moment| {
        let then = after.clone().at(moment);
        count(ready(&then, task).len() - excluded(&then, task).len()) >= task.nodes
    };
    match reason {
        WaitReason::Duplicate => false,
        WaitReason::UnknownUser => user(after, task).is_none(),
        WaitReason::InactiveUser => user(after, task).is_some_and(|user| !user.active),
        WaitReason::NoSuchGroup => after.nodes.iter().all(|node| node.group != task.group),
        WaitReason::Held => *held,
        WaitReason::NoNodesAsked => task.nodes == 0,
        WaitReason::GroupTooSmall { needed, total } => {
            *needed == task.nodes && *total == count(reachable(after, task).len()) && needed > total
        }
        WaitReason::NoQuota { priority } => *priority == task.priority && largest == 0,
        WaitReason::QuotaTooSmall {
            level,
            needed,
            limit: at_most,
        } => {
            *needed == task.nodes
                && choices.contains(level)
                && *at_most == limit(*level)
                && *at_most == largest
                && needed > at_most
        }
        WaitReason::Backoff { until } => *not_before == Some(*until) && *until > after.now,
        WaitReason::ExcludedNodes {
            needed,
            ready: n_ready,
            excluded: n_excluded,
            until,
        } => {
            *needed == task.nodes
                && *n_ready == count(ready(after, task).len())
                && *n_excluded == count(excluded(after, task).len())
                && n_ready >= needed
                && !enough_at(*until - 1)
                && enough_at(*until)
        }
        WaitReason::OutOfQuota {
            level,
            needed,
            used: in_use,
            promised,
            limit: at_most,
        } => {
            let gone = |level| used(after, task, level) + line.promised_before(task, level);
            *needed == task.nodes
                && *in_use == used(after, task, *level)
                && *promised == line.promised_before(task, *level)
                && *at_most == limit(*level)
                && at_most >= needed
                && choices
                    .iter()
                    .all(|level| gone(*level) + needed > limit(*level))
        }
        // Who stands in line has nothing against him but the nodes and those before him.
        WaitReason::Draining { .. }
        | WaitReason::NotEnoughNodes { .. }
        | WaitReason::Behind { .. } => {
            user(after, task).is_some_and(|user| user.active)
                && !held
                && not_before.is_none_or(|time| time <= after.now)
                && task.nodes > 0
                && count(reachable(after, task).len()) >= task.nodes
                && (count(ready(after, task).len()) < task.nodes || enough_at(after.now))
        }
    }
}
