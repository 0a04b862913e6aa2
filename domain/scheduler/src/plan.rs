//! What the planner answers: decisions, the reasons of those who wait, and when to ask again.

use serde::{Deserialize, Serialize};

use crate::{
    GroupName, Level, Millis, NodeName, Priority, Quota, QuotaFault, Task, TaskKey, UserName,
    ZoneName,
};

/// What should change now.
#[must_use = "a plan that nobody commits changes nothing"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What to do, in this order.
    pub decisions: Vec<Decision>,
    /// Why the rest waits.
    pub report: Report,
    /// When to plan again although no row has changed; `None` if time alone changes nothing. Until
    /// then the same rows give the same plan.
    pub wake_at: Option<Millis>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// Open a run of this task. What was reserved for it is reserved no more.
    Start {
        /// The task.
        task: TaskKey,
        /// The level it runs at, and uses quota of, until the run is over or a
        /// [`Decision::Relevel`] moves it.
        level: Level,
        /// As many nodes as it asked for; the index is the rank.
        nodes: Vec<NodeName>,
    },
    /// Let the run of this task go on at another level, and use quota of that.
    Relevel {
        /// The task, which asks for that level.
        task: TaskKey,
        /// The new level.
        level: Level,
    },
    /// Make room for this task: ask the victims to suspend, and reserve the nodes. The task, which
    /// has nothing reserved yet, is started by a later plan, when the nodes are free.
    Preempt {
        /// The task that needs the room.
        task: TaskKey,
        /// The level it waits at, which is higher than that of any victim.
        level: Level,
        /// Active tasks that have to give way, those with the least to lose first. None at all if
        /// it is enough to take nodes on their way out that were reserved for a lower level, which
        /// a [`Decision::Release`] before this one gave back.
        victims: Vec<TaskKey>,
        /// As many nodes as it asked for: free, on their way out, or of the victims. The victims
        /// may have more.
        nodes: Vec<NodeName>,
    },
    /// Forget every reservation for this task, which cannot use them or has to leave them to a
    /// higher level.
    Release {
        /// The task; it need not exist any more.
        task: TaskKey,
    },
}

/// Why things did not happen.
#[must_use = "a report that nobody stores explains nothing"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One entry for each task that waits, by key.
    pub waiting: Vec<Wait>,
    /// Rows that do not make sense, sorted, each once.
    pub issues: Vec<Issue>,
}

impl Report {
    pub(crate) fn new(mut waiting: Vec<Waiting<'_>>, mut issues: Vec<Issue>) -> Self {
        waiting.sort_by_cached_key(|each| each.task.key);
        issues.sort();
        issues.dedup();
        Self {
            waiting: waiting.into_iter().map(Wait::from).collect(),
            issues,
        }
    }
}

/// Why one task waits. [`explain`](crate::explain) puts it into words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The task.
    pub task: TaskKey,
    /// Its owner.
    pub user: UserName,
    /// The group it wants to run in.
    pub group: GroupName,
    /// The zone it is pinned to.
    pub zone: Option<ZoneName>,
    /// The level it waits at; `None` for an `AUTO` task outside the line, which has none yet.
    pub level: Option<Level>,
    /// Its place in the line of its group, 1 being the next to start; `None` for a task outside the
    /// line.
    pub position: Option<u32>,
    /// The one reason that has to go first.
    pub reason: WaitReason,
}

/// Why a task waits, before it is told: of a round that decides something nothing is told, and there are many.
pub(crate) struct Waiting<'a> {
    task: &'a Task,
    level: Option<Level>,
    position: Option<u32>,
    reason: WaitReason,
}

impl<'a> Waiting<'a> {
    /// A task that stands outside the line.
    pub(crate) fn outside(task: &'a Task, reason: WaitReason) -> Self {
        let level = match task.priority {
            Priority::Auto => None,
            Priority::Fixed(level) => Some(level),
        };
        Self {
            task,
            level,
            position: None,
            reason,
        }
    }

    /// A task in line.
    pub(crate) fn in_line(task: &'a Task, level: Level, position: u32, reason: WaitReason) -> Self {
        Self {
            task,
            level: Some(level),
            position: Some(position),
            reason,
        }
    }
}

impl From<Waiting<'_>> for Wait {
    fn from(waiting: Waiting<'_>) -> Self {
        let Waiting {
            task,
            level,
            position,
            reason,
        } = waiting;
        Self {
            task: task.key,
            user: task.user.clone(),
            group: task.group.clone(),
            zone: task.zone.clone(),
            level,
            position,
            reason,
        }
    }
}

/// Why a task waits, with the numbers behind it, in the order in which the reasons are looked for:
/// a task has the first one that applies. Counts are nodes; those of ready, free and other nodes
/// are of the task's group, and of its zone if it is pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WaitReason {
    /// The snapshot has more than one row for this task, so none is trusted.
    Duplicate,
    /// The snapshot has no row for its owner, or more than one.
    UnknownUser,
    /// Its owner has been deactivated.
    InactiveUser,
    /// No node is in its group.
    NoSuchGroup,
    /// Its owner asked that it does not run for now.
    Held,
    /// It asks for no nodes at all.
    NoNodesAsked,
    /// It asks for more nodes than there are, ready or not.
    GroupTooSmall {
        /// What it asks for.
        needed: u32,
        /// All there are.
        total: u32,
    },
    /// Its owner may not use a single node at this priority.
    NoQuota {
        /// The priority of the task; for `AUTO`, there is no quota at any level.
        priority: Priority,
    },
    /// It asks for more nodes than its owner may ever use at once.
    QuotaTooSmall {
        /// The level; for `AUTO`, the one with the largest quota.
        level: Level,
        /// What it asks for.
        needed: u32,
        /// The quota at that level.
        limit: u32,
    },
    /// It failed recently and is tried again later.
    Backoff {
        /// The first moment at which it may start.
        until: Millis,
    },
    /// Enough nodes are ready, but it may not use some of them because it failed there.
    ExcludedNodes {
        /// What it asks for.
        needed: u32,
        /// Nodes that are ready, in use or not.
        ready: u32,
        /// Those of them that it may not use.
        excluded: u32,
        /// When enough exclusions will have ended.
        until: Millis,
    },
    /// Its owner uses too much of the quota at the moment.
    OutOfQuota {
        /// The level; for `AUTO`, the one with the most room among those that are large enough.
        level: Level,
        /// What it asks for.
        needed: u32,
        /// What the owner's active tasks hold at that level.
        used: u32,
        /// What is promised to the owner's tasks in line that go before it.
        promised: u32,
        /// The quota at that level.
        limit: u32,
    },
    /// All its nodes are reserved for it, and it starts when the last of them is free.
    Draining {
        /// What it asks for, and has reserved.
        needed: u32,
        /// Those of its nodes that are free already.
        free: u32,
        /// The tasks on their way out that have the others, by key.
        tasks: Vec<TaskKey>,
    },
    /// It is the first in line, and too few nodes are free.
    NotEnoughNodes {
        /// What it asks for.
        needed: u32,
        /// Nodes it could use now.
        free: u32,
        /// Nodes that are ready, in use or not.
        ready: u32,
        /// Ready nodes of tasks on their way out that nobody has reserved.
        draining: u32,
        /// Ready nodes, free or about to be, that are reserved for other tasks.
        reserved: u32,
        /// Ready nodes that it may not use because it failed there.
        excluded: u32,
        /// Nodes that somebody has disabled. What was stored before there were any does not tell.
        #[serde(default)]
        disabled: u32,
    },
    /// It may run, but an earlier task of its group does not fit yet.
    Behind {
        /// The first in line.
        head: TaskKey,
        /// How many are in line before it.
        n_ahead: u32,
    },
}

impl WaitReason {
    /// The word for its kind, as it is stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Duplicate => "DUPLICATE",
            Self::UnknownUser => "UNKNOWN_USER",
            Self::InactiveUser => "INACTIVE_USER",
            Self::NoSuchGroup => "NO_SUCH_GROUP",
            Self::Held => "HELD",
            Self::NoNodesAsked => "NO_NODES_ASKED",
            Self::GroupTooSmall { .. } => "GROUP_TOO_SMALL",
            Self::NoQuota { .. } => "NO_QUOTA",
            Self::QuotaTooSmall { .. } => "QUOTA_TOO_SMALL",
            Self::Backoff { .. } => "BACKOFF",
            Self::ExcludedNodes { .. } => "EXCLUDED_NODES",
            Self::OutOfQuota { .. } => "OUT_OF_QUOTA",
            Self::Draining { .. } => "DRAINING",
            Self::NotEnoughNodes { .. } => "NOT_ENOUGH_NODES",
            Self::Behind { .. } => "BEHIND",
        }
    }

    /// Whether the task can never run as things are: it would not start even if everything were
    /// free, and somebody has to change the task, its owner, a quota or the cluster. (A held task
    /// can; it waits for a word of its owner.)
    pub const fn can_never_run(&self) -> bool {
        match self {
            Self::Duplicate
            | Self::UnknownUser
            | Self::InactiveUser
            | Self::NoSuchGroup
            | Self::NoNodesAsked
            | Self::GroupTooSmall { .. }
            | Self::NoQuota { .. }
            | Self::QuotaTooSmall { .. } => true,
            Self::Held
            | Self::Backoff { .. }
            | Self::ExcludedNodes { .. }
            | Self::OutOfQuota { .. }
            | Self::Draining { .. }
            | Self::NotEnoughNodes { .. }
            | Self::Behind { .. } => false,
        }
    }
}

/// A row, or several, that the planner left out or distrusts. `Display` names it for a human.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Issue {
    /// Several nodes have one name: none of them is used.
    DuplicateNode {
        /// The name.
        node: NodeName,
    },
    /// Several users have one name: none of them is known.
    DuplicateUser {
        /// The name.
        user: UserName,
    },
    /// Several tasks have one key: those that wait are not started, those that are active keep
    /// their nodes.
    DuplicateTask {
        /// The key.
        task: TaskKey,
    },
    /// A quota row says nothing that can be understood: it does not count.
    MalformedQuota {
        /// The row.
        quota: Quota,
        /// What is wrong with it.
        fault: QuotaFault,
    },
    /// An active task is on a node that is not in the snapshot.
    UnknownNode {
        /// The task.
        task: TaskKey,
        /// The node.
        node: NodeName,
    },
    /// Several tasks say they have one node: it is given to nobody.
    NodeClaimedTwice {
        /// The node.
        node: NodeName,
        /// The tasks, by key.
        tasks: Vec<TaskKey>,
    },
}

/// The earlier of two moments that may not come.
pub(crate) fn earliest(one: Option<Millis>, other: Option<Millis>) -> Option<Millis> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_reason_is_its_kind_and_its_numbers() {
        let reason = WaitReason::OutOfQuota {
            level: Level::AboveNormal,
            needed: 4,
            used: 2,
            promised: 1,
            limit: 6,
        };
        insta::assert_snapshot!(
            serde_json::to_string(&reason).unwrap(),
            @r#"{"kind":"OUT_OF_QUOTA","level":"ABOVE_NORMAL","needed":4,"used":2,"promised":1,"limit":6}"#
        );
        assert_eq!(reason.kind(), "OUT_OF_QUOTA");
        assert_eq!(
            serde_json::to_string(&WaitReason::Held).unwrap(),
            r#"{"kind":"HELD"}"#
        );
    }
}
