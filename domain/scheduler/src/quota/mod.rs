//! How many nodes a user may use in a group at each level, and how many are in use.
//!
//! The planner and whoever shows quotas to people use the same functions:
//!
//! ```
//! use scheduler::{GroupName, Level, Owner, Quota, QuotaBook, QuotaKind, User, UserName};
//!
//! let rows = [Quota {
//!     owner: Owner::Group("public".into()),
//!     group: "training".into(),
//!     kind: QuotaKind::Grant,
//!     tag: String::new(),
//!     level: Level::Normal.value(),
//!     nodes: 4,
//!     expires_at: None,
//! }];
//! let ada = User { name: "ada".into(), groups: vec!["public".into()], active: true };
//! let limits = QuotaBook::open(&rows, 0).limits(&ada, &"training".into());
//! assert_eq!(limits.at(Level::Normal), 4);
//! assert_eq!(limits.at(Level::High), 0);
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stock::count;
use crate::{
    GroupName, Issue, Level, Millis, Owner, Quota, QuotaKind, Task, TaskState, User, UserGroup,
    UserName,
};

/// The quota rows that count at one moment, ready to be looked up.
#[derive(Clone, Debug)]
pub struct QuotaBook<'a> {
    own: BTreeMap<(&'a UserName, &'a GroupName), Vec<Row<'a>>>,
    shared: BTreeMap<(&'a UserGroup, &'a GroupName), Vec<Row<'a>>>,
    issues: Vec<Issue>,
}

/// A quota row that was understood and has not expired.
#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    kind: QuotaKind,
    tag: &'a str,
    level: Level,
    nodes: u32,
    expires_at: Option<Millis>,
}

impl<'a> QuotaBook<'a> {
    /// Reads the rows as they count at `now`. Malformed rows do not count, see
    /// [`QuotaBook::issues`].
    pub fn open(quotas: &'a [Quota], now: Millis) -> Self {
        let mut book = Self {
            own: BTreeMap::new(),
            shared: BTreeMap::new(),
            issues: Vec::new(),
        };
        for quota in quotas {
            let (level, nodes) = match quota.check() {
                Ok(checked) => checked,
                Err(fault) => {
                    book.issues.push(Issue::MalformedQuota {
                        quota: quota.clone(),
                        fault,
                    });
                    continue;
                }
            };
            if quota.expires_at.is_some_and(|expires_at| expires_at <= now) {
                continue;
            }
            let row = Row {
                kind: quota.kind,
                tag: &quota.tag,
                level,
                nodes,
                expires_at: quota.expires_at,
            };
            match &quota.owner {
                Owner::User(user) => book.own.entry((user, &quota.group)).or_default().push(row),
                Owner::Group(group) => {
                    book.shared
                        .entry((group, &quota.group))
                        .or_default()
                        .push(row);
                }
            }
        }
        book
    }

    /// The rows that were left out because they are malformed, expired or not.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    pub(crate) fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    /// What `user` may use in `group`.
    ///
    /// At each level, the user's own grant wins outright, even if it is lower than that of a group,
    /// and zero is a denial; else the largest grant of the user's groups counts; else zero.
    /// Ceilings of one tag are found in the same way, own ones first, but the smallest counts. Of
    /// all tags the smallest counts again; the grant is cut down to it.
    pub fn limits(&self, user: &User, group: &GroupName) -> Limits {
        let own = self.own.get(&(&user.name, group));
        let own: Vec<Row<'_>> = own.into_iter().flatten().copied().collect();
        let shared: Vec<Row<'_>> = user
            .groups
            .iter()
            .filter_map(|user_group| self.shared.get(&(user_group, group)))
            .flatten()
            .copied()
            .collect();
        let limits = Level::ALL.into_iter().map(|level| {
            let own: Vec<_> = own.iter().filter(|row| row.level == level).collect();
            let shared: Vec<_> = shared.iter().filter(|row| row.level == level).collect();
            let limit = Limit {
                grant: grant(&own).or(grant(&shared)),
                ceiling: ceiling(&own, &shared),
            };
            (level, limit)
        });
        let expiries = own.iter().chain(&shared).filter_map(|row| row.expires_at);
        Limits {
            valid_until: expiries.min(),
            limits: limits.collect(),
        }
    }
}

/// The largest grant among rows of one level.
fn grant(rows: &[&Row<'_>]) -> Option<u32> {
    let grants = rows.iter().filter(|row| row.kind == QuotaKind::Grant);
    grants.map(|row| row.nodes).max()
}

/// The smallest ceiling among rows of one level. One of the user's own takes the place of those of
/// groups with the same tag.
fn ceiling(own: &[&Row<'_>], shared: &[&Row<'_>]) -> Option<u32> {
    let is_ceiling = |row: &&&Row<'_>| row.kind == QuotaKind::Ceiling;
    let is_replaced = |tag| own.iter().filter(is_ceiling).any(|own| own.tag == tag);
    let shared = shared.iter().filter(|row| !is_replaced(row.tag));
    let rows = own.iter().chain(shared).filter(is_ceiling);
    rows.map(|row| row.nodes).min()
}

impl Quota {
    /// The level and the number of nodes this row is about, if it makes sense. More nodes than a
    /// `u32` can count are as many as it can.
    pub fn check(&self) -> Result<(Level, u32), QuotaFault> {
        let level = Level::from_value(self.level).ok_or(QuotaFault::UnknownLevel)?;
        if self.nodes < 0 {
            return Err(QuotaFault::NegativeNodes);
        }
        Ok((level, u32::try_from(self.nodes).unwrap_or(u32::MAX)))
    }
}

/// What is wrong with a quota row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotaFault {
    /// Its level is not the value of a [`Level`].
    UnknownLevel,
    /// It counts less than zero nodes.
    NegativeNodes,
}

/// What one user may use in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    limits: BTreeMap<Level, Limit>,
    /// When the next of the rows behind it expires, which may change it.
    pub valid_until: Option<Millis>,
}

/// What one user may use in one group at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// What is granted; absent without a row.
    pub grant: Option<u32>,
    /// What no grant may exceed; absent without a row.
    pub ceiling: Option<u32>,
}

impl Limit {
    /// How many nodes at the same time.
    pub fn nodes(self) -> u32 {
        let ceiling = self.ceiling.unwrap_or(u32::MAX);
        self.grant.unwrap_or(0).min(ceiling)
    }
}

impl Limits {
    /// How many nodes at the same time at this level; zero without a row.
    pub fn at(&self, level: Level) -> u32 {
        self.of(level).nodes()
    }

    /// Where that comes from.
    pub fn of(&self, level: Level) -> Limit {
        self.limits.get(&level).copied().unwrap_or_default()
    }
}

/// How many nodes active tasks hold, by user, group and level.
#[derive(Clone, Debug)]
pub struct Usage<'a> {
    nodes: BTreeMap<(&'a UserName, &'a GroupName, Level), u32>,
}

impl<'a> Usage<'a> {
    /// Counts the nodes that active tasks hold, those of draining ones too. Waiting tasks use
    /// nothing.
    pub fn of(tasks: impl IntoIterator<Item = &'a Task>) -> Self {
        let mut usage = Self {
            nodes: BTreeMap::new(),
        };
        for task in tasks {
            match &task.state {
                TaskState::Active { level, nodes, .. } => {
                    usage.add(task, *level, count(nodes.len()));
                }
                TaskState::Waiting { .. } => {}
            }
        }
        usage
    }

    pub(crate) fn add(&mut self, task: &'a Task, level: Level, n_nodes: u32) {
        *self
            .nodes
            .entry((&task.user, &task.group, level))
            .or_default() += n_nodes;
    }

    /// Moves nodes that an active task holds from one level to another.
    pub(crate) fn shift(&mut self, task: &'a Task, from: Level, to: Level, n_nodes: u32) {
        if let Some(used) = self.nodes.get_mut(&(&task.user, &task.group, from)) {
            *used = used.saturating_sub(n_nodes);
        }
        self.add(task, to, n_nodes);
    }

    /// How many nodes `user` uses in `group` at this level.
    pub fn at(&self, user: &UserName, group: &GroupName, level: Level) -> u32 {
        self.nodes.get(&(user, group, level)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
