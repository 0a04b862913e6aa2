//! One owner's quota in one group: what there is, what is used, and what is promised to the tasks
//! in line.

use std::collections::BTreeMap;
use std::slice;

use crate::{GroupName, Level, Limits, Policy, Priority, Task, Usage, UserName, WaitReason};

/// The quota of one user in one group while the user's tasks are admitted one by one.
pub(crate) struct Account {
    levels: BTreeMap<Level, Balance>,
}

/// The quota at one level. Nodes in use may be more than the limit, if it was lowered.
#[derive(Clone, Copy, Default)]
struct Balance {
    limit: u32,
    used: u32,
    promised: u32,
}

impl Balance {
    fn room(self) -> u32 {
        self.limit
            .saturating_sub(self.used)
            .saturating_sub(self.promised)
    }
}

impl Account {
    pub(crate) fn open(
        limits: &Limits,
        usage: &Usage<'_>,
        user: &UserName,
        group: &GroupName,
    ) -> Self {
        let balance = |level| {
            let (limit, used) = (limits.at(level), usage.at(user, group, level));
            (
                level,
                Balance {
                    limit,
                    used,
                    promised: 0,
                },
            )
        };
        Self {
            levels: Level::ALL.into_iter().map(balance).collect(),
        }
    }

    /// Whether the task could run if its owner used nothing.
    pub(crate) fn check_covers(&self, task: &Task, policy: &Policy) -> Result<(), WaitReason> {
        let largest = self
            .choices(task, policy)
            .max_by_key(|(level, balance)| (balance.limit, *level));
        match largest {
            None | Some((_, Balance { limit: 0, .. })) => Err(WaitReason::NoQuota {
                priority: task.priority,
            }),
            Some((level, Balance { limit, .. })) if limit < task.nodes => {
                Err(WaitReason::QuotaTooSmall {
                    level,
                    needed: task.nodes,
                    limit,
                })
            }
            Some(_) => Ok(()),
        }
    }

    /// Promises the task what it needs, at the first level of its choice that has room.
    pub(crate) fn reserve(&mut self, task: &Task, policy: &Policy) -> Result<Level, WaitReason> {
        let needed = task.nodes;
        let first = self
            .choices(task, policy)
            .find(|(_, balance)| balance.room() >= needed);
        if let Some((level, mut balance)) = first {
            balance.promised += needed;
            self.levels.insert(level, balance);
            return Ok(level);
        }
        let roomiest = self
            .choices(task, policy)
            .max_by_key(|(level, balance)| (balance.limit >= needed, balance.room(), *level));
        match roomiest {
            Some((
                level,
                Balance {
                    limit,
                    used,
                    promised,
                },
            )) => Err(WaitReason::OutOfQuota {
                level,
                needed,
                used,
                promised,
                limit,
            }),
            None => Err(WaitReason::NoQuota {
                priority: task.priority,
            }),
        }
    }

    /// The levels the task may take, in the order in which they are tried.
    fn choices<'c>(
        &'c self,
        task: &'c Task,
        policy: &'c Policy,
    ) -> impl Iterator<Item = (Level, Balance)> + use<'c> {
        let levels = match &task.priority {
            Priority::Auto => policy.auto_levels.as_slice(),
            Priority::Fixed(level) => slice::from_ref(level),
        };
        let balance = move |level| (level, self.levels.get(&level).copied().unwrap_or_default());
        levels.iter().copied().map(balance)
    }
}
