//! Everything the planner may look at: plain rows, and the time.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Level, Priority};

/// A moment in milliseconds since 1970-01-01 UTC.
pub type Millis = i64;

/// What is, at one moment.
///
/// The order of the rows has no meaning, except for the nodes of an active task. Keys should be
/// unique; rows that share one are left out of the plan and named in its report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The moment the plan is made for.
    pub now: Millis,
    /// Every node of the cluster, usable or not.
    pub nodes: Vec<Node>,
    /// Every task that is not finished.
    pub tasks: Vec<Task>,
    /// Quota rows; expired ones may be among them.
    pub quotas: Vec<Quota>,
    /// At least every user who owns one of the tasks.
    pub users: Vec<User>,
}

/// A machine that can run one rank of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Unique in the snapshot.
    pub name: NodeName,
    /// The scheduling partition it belongs to.
    pub group: GroupName,
    /// Where it stands; nodes without a zone count as one zone of their own.
    pub zone: Option<ZoneName>,
    /// Whether a start may use it.
    pub readiness: Readiness,
    /// Who has it now.
    pub holder: Holder,
    /// The waiting task it is kept for, free or not: a [`Decision::Preempt`](crate::Decision) that
    /// was neither released nor followed by the start.
    pub reserved_for: Option<TaskKey>,
}

/// Whether a node can take work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Readiness {
    /// It can.
    Ready,
    /// It is cordoned, unreachable or unhealthy.
    NotReady,
    /// Somebody has taken it from the scheduler; what runs on it goes on.
    Disabled,
}

/// Who has a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Holder {
    /// Nobody: nothing of an earlier run is left on it.
    Free,
    /// A run of this task, draining ones included.
    Task(TaskKey),
    /// Something the planner does not plan, such as a dev container.
    Other,
}

/// A task that is not finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Unique in the snapshot; grows with the time of the first submit, and so is the place in the
    /// queue.
    pub key: TaskKey,
    /// The owner.
    pub user: UserName,
    /// The node group it must run in.
    pub group: GroupName,
    /// The zone of the group it must run in, if pinned.
    pub zone: Option<ZoneName>,
    /// What its owner asked for.
    pub priority: Priority,
    /// Reorders its owner's tasks among themselves: lower goes first, and without one the key is
    /// the rank.
    ///
    /// It never lets a task pass another user's: a task that is passed by a younger one of its
    /// owner steps back to the younger one's place. A number that is not finite counts as none.
    pub custom_rank: Option<f64>,
    /// How many nodes it needs, all at once.
    pub nodes: u32,
    /// Whether it waits or has nodes.
    pub state: TaskState,
}

/// Whether a task waits or has nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskState {
    /// It has no run and wants one.
    Waiting {
        /// It may not start before this time: backoff after a failure.
        not_before: Option<Millis>,
        /// Nodes it may not use for a while.
        excluded: Vec<Exclusion>,
        /// Its owner asked that it does not run for now.
        held: bool,
    },
    /// It has a run that is not over: starting, running or draining.
    Active {
        /// The level its start was decided with.
        level: Level,
        /// The nodes it still holds, in rank order; those of released ranks are left out.
        nodes: Vec<NodeName>,
        /// It is on its way out: its nodes will be free soon.
        draining: bool,
        /// When the run began. A later one has less to lose.
        since: Millis,
        /// Whether the run may be asked to suspend: its ranks run, and none of them has succeeded.
        ///
        /// False while it starts, for who has not run yet cannot save; of no meaning while it
        /// drains, for then it is asked nothing more.
        suspendable: bool,
    },
}

/// A node on which a task failed recently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The node to stay away from.
    pub node: NodeName,
    /// The first moment at which it may be used again.
    pub until: Millis,
}

/// A quota row as it was stored: `level` and `nodes` are unchecked, so that one bad row cannot stop
/// a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quota {
    /// Whose row it is.
    pub owner: Owner,
    /// The node group it is about.
    pub group: GroupName,
    /// Whether it gives or limits.
    pub kind: QuotaKind,
    /// Tells ceilings of one owner apart: one of each tag counts. Grants have none.
    #[serde(default)]
    pub tag: String,
    /// The value of a [`Level`].
    pub level: i32,
    /// How many nodes at the same time.
    pub nodes: i64,
    /// The first moment at which it no longer counts.
    pub expires_at: Option<Millis>,
}

/// Whose quota row it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Owner {
    /// One user's own.
    User(UserName),
    /// Given to each member of a user group individually: not a pool they share.
    Group(UserGroup),
}

/// Whether a quota row gives or limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotaKind {
    /// So many nodes may be used (`node` in the original).
    Grant,
    /// No grant may exceed so many nodes (`node_limit` in the original).
    Ceiling,
}

/// A user who owns tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Unique in the snapshot.
    pub name: UserName,
    /// All groups whose quota rows count for the user: the role, `public`, and the memberships.
    pub groups: Vec<UserGroup>,
    /// Tasks of inactive users are not started.
    pub active: bool,
}

/// The numeric id of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskKey(pub i64);

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub String);

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

names! {
    /// The name of a node.
    NodeName,
    /// The name of a node group, without a zone.
    GroupName,
    /// The name of a zone within a node group.
    ZoneName,
    /// The name of a user.
    UserName,
    /// The name of a group of users, a role, or `public`.
    UserGroup,
}
