//! Rows for tests, written as short as the story needs: what is not said is ordinary.
//!
//! ```
//! use scheduler::testing::{grant, node, policy, snapshot, task, user};
//!
//! let snapshot = snapshot()
//!     .with(node("a"))
//!     .with(node("b").not_ready())
//!     .with(user("ada"))
//!     .with(grant("ada", 2))
//!     .with(task(1).wants(2));
//! assert!(scheduler::plan(&snapshot, &policy()).decisions.is_empty());
//! ```
//!
//! Ordinary is: group `training`, no zone, ready and free; user `ada`, active, in no user group;
//! level `NORMAL`, one node, waiting. What is active has run since time zero and can be suspended.

mod after;

use crate::{
    Exclusion, Holder, Level, Millis, Node, NodeName, Owner, Policy, Priority, Quota, QuotaKind,
    Readiness, Snapshot, Task, TaskKey, TaskState, User,
};

/// The policy under which `AUTO` may take every level, and a higher level every node at any time.
pub fn policy() -> Policy {
    Policy {
        auto_levels: Level::ALL.to_vec(),
        protect_from_higher: 0,
    }
}

/// Nothing at all, at time zero.
pub fn snapshot() -> Snapshot {
    Snapshot {
        now: 0,
        nodes: vec![],
        tasks: vec![],
        quotas: vec![],
        users: vec![],
    }
}

/// A row of any kind.
pub enum Row {
    /// A node.
    Node(Node),
    /// A task.
    Task(Task),
    /// A quota row.
    Quota(Quota),
    /// A user.
    User(User),
}

impl Snapshot {
    /// The same rows at another time.
    #[must_use]
    pub fn at(mut self, now: Millis) -> Self {
        self.now = now;
        self
    }

    /// One row more.
    #[must_use]
    pub fn with(mut self, row: impl Into<Row>) -> Self {
        match row.into() {
            Row::Node(node) => self.nodes.push(node),
            Row::Task(task) => self.tasks.push(task),
            Row::Quota(quota) => self.quotas.push(quota),
            Row::User(user) => self.users.push(user),
        }
        self
    }
}

/// A node.
pub fn node(name: &str) -> Node {
    Node {
        name: name.into(),
        group: "training".into(),
        zone: None,
        readiness: Readiness::Ready,
        holder: Holder::Free,
        reserved_for: None,
    }
}

impl Node {
    /// In another group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.group = group.into();
        self
    }

    /// In a zone.
    #[must_use]
    pub fn in_zone(mut self, zone: &str) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Of no use to a start.
    #[must_use]
    pub fn not_ready(mut self) -> Self {
        self.readiness = Readiness::NotReady;
        self
    }

    /// Taken from the scheduler.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.readiness = Readiness::Disabled;
        self
    }

    /// Not free.
    #[must_use]
    pub fn held_by(mut self, holder: Holder) -> Self {
        self.holder = holder;
        self
    }

    /// Kept for the task with this key.
    #[must_use]
    pub fn reserved_for(mut self, task: i64) -> Self {
        self.reserved_for = Some(TaskKey(task));
        self
    }
}

/// A user.
pub fn user(name: &str) -> User {
    User {
        name: name.into(),
        groups: vec![],
        active: true,
    }
}

impl User {
    /// In these user groups.
    #[must_use]
    pub fn member_of(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|group| (*group).into()).collect();
        self
    }

    /// Deactivated.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }
}

/// A row that gives quota to a user, or to the members of a user group written as `@name`.
pub fn grant(owner: &str, nodes: i64) -> Quota {
    let owner = match owner.strip_prefix('@') {
        Some(group) => Owner::Group(group.into()),
        None => Owner::User(owner.into()),
    };
    Quota {
        owner,
        group: "training".into(),
        kind: QuotaKind::Grant,
        tag: String::new(),
        level: Level::Normal.value(),
        nodes,
        expires_at: None,
    }
}

/// A row that limits what a user, or the members of a user group written as `@name`, may be given.
pub fn ceiling(owner: &str, nodes: i64) -> Quota {
    Quota {
        kind: QuotaKind::Ceiling,
        ..grant(owner, nodes)
    }
}

impl Quota {
    /// For another group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.group = group.into();
        self
    }

    /// With a tag.
    #[must_use]
    pub fn tagged(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// For another level.
    #[must_use]
    pub fn at(mut self, level: Level) -> Self {
        self.level = level.value();
        self
    }

    /// With an end.
    #[must_use]
    pub fn until(mut self, expires_at: Millis) -> Self {
        self.expires_at = Some(expires_at);
        self
    }
}

/// A task that waits.
pub fn task(key: i64) -> Task {
    Task {
        key: TaskKey(key),
        user: "ada".into(),
        group: "training".into(),
        zone: None,
        priority: Priority::Fixed(Level::Normal),
        custom_rank: None,
        nodes: 1,
        state: TaskState::Waiting {
            not_before: None,
            excluded: vec![],
            held: false,
        },
    }
}

impl Task {
    /// Of another user.
    #[must_use]
    pub fn of(mut self, user: &str) -> Self {
        self.user = user.into();
        self
    }

    /// For another group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.group = group.into();
        self
    }

    /// Pinned to a zone.
    #[must_use]
    pub fn in_zone(mut self, zone: &str) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// With another priority.
    #[must_use]
    pub fn at(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// With a rank among its owner's tasks.
    #[must_use]
    pub fn ranked(mut self, rank: f64) -> Self {
        self.custom_rank = Some(rank);
        self
    }

    /// Needing so many nodes.
    #[must_use]
    pub fn wants(mut self, nodes: u32) -> Self {
        self.nodes = nodes;
        self
    }

    /// Not to be started before this time, if it waits.
    #[must_use]
    pub fn not_before(mut self, time: Millis) -> Self {
        if let TaskState::Waiting { not_before, .. } = &mut self.state {
            *not_before = Some(time);
        }
        self
    }

    /// Not to be started on this node until then, if it waits.
    #[must_use]
    pub fn excluding(mut self, node: &str, until: Millis) -> Self {
        if let TaskState::Waiting { excluded, .. } = &mut self.state {
            excluded.push(Exclusion {
                node: node.into(),
                until,
            });
        }
        self
    }

    /// Held by its owner, if it waits.
    #[must_use]
    pub fn held(mut self) -> Self {
        if let TaskState::Waiting { held, .. } = &mut self.state {
            *held = true;
        }
        self
    }

    /// Running on these nodes, at its level or at `NORMAL`.
    #[must_use]
    pub fn active_on(mut self, nodes: &[&str]) -> Self {
        let level = match self.priority {
            Priority::Auto => Level::Normal,
            Priority::Fixed(level) => level,
        };
        let nodes: Vec<NodeName> = nodes.iter().map(|node| (*node).into()).collect();
        self.nodes = crate::stock::count(nodes.len());
        self.state = TaskState::Active {
            level,
            nodes,
            draining: false,
            since: 0,
            suspendable: true,
        };
        self
    }

    /// Begun at this time, if it is active.
    #[must_use]
    pub fn begun_at(mut self, time: Millis) -> Self {
        if let TaskState::Active { since, .. } = &mut self.state {
            *since = time;
        }
        self
    }

    /// Not to be suspended, if it is active.
    #[must_use]
    pub fn unsuspendable(mut self) -> Self {
        if let TaskState::Active { suspendable, .. } = &mut self.state {
            *suspendable = false;
        }
        self
    }

    /// On its way out, if it is active.
    #[must_use]
    pub fn draining(mut self) -> Self {
        if let TaskState::Active { draining, .. } = &mut self.state {
            *draining = true;
        }
        self
    }
}

macro_rules! rows {
    ($($name:ident)*) => {$(
        impl From<$name> for Row {
            fn from(row: $name) -> Self {
                Self::$name(row)
            }
        }
    )*};
}

rows! { Node Task Quota User }
