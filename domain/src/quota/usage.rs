//! What a user holds and may hold, counted by the planner's own functions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::{UserId, pod, run, task};
use scheduler::{GroupName, Level, QuotaBook};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::combine::amounts_of;
use super::{Amount, Resource, load_rows, planner_users};
use crate::error::{Error, Result};
use crate::node;
use crate::run::OPEN;

/// What a user holds and may hold in one group at one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaUsage {
    /// Node group.
    pub group: String,
    /// Priority level.
    pub level: Level,
    /// Nodes held now, those of runs that are ending too.
    pub used: u32,
    /// Nodes at the same time: what is granted, but no more than the ceiling.
    pub limit: u32,
    /// The smallest ceiling, if there is one.
    pub ceiling: Option<u32>,
}

impl QuotaUsage {
    /// Nodes that more can be held.
    pub fn available(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

/// What a user holds and may hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By group and from the highest level to the lowest, without those of which nothing is granted, used or limited.
    pub entries: Vec<QuotaUsage>,
    /// Everything but nodes of which there is a row; nothing of the rest.
    pub amounts: BTreeMap<Resource, Amount>,
    /// When a row behind it expires, which may change it.
    pub valid_until: Option<DateTime<Utc>>,
}

/// The quotas of a user.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user.
pub async fn ledger(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    user_id: UserId,
) -> Result<Ledger> {
    let ledger = ledgers(db, now, &[user_id]).await?.remove(&user_id);
    ledger.ok_or_else(|| Error::not_found("user", user_id))
}

/// The quotas of some users, with the same number of statements however many there are.
///
/// # Errors
/// If the database is away.
pub async fn ledgers(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    ids: &[UserId],
) -> Result<BTreeMap<UserId, Ledger>> {
    let users = planner_users(db, ids).await?;
    let rows = load_rows(db).await?;
    let book = QuotaBook::open(&rows, now.timestamp_millis());
    let groups = node::groups(db).await?;
    let held = held(db, ids).await?;
    let mut amounts = amounts_of(db, now, &users).await?;
    let mut ledgers = BTreeMap::new();
    for (id, user) in &users {
        let (amounts, mut valid_until) = amounts.remove(id).unwrap_or_default();
        let mut entries = Vec::new();
        for group in &groups {
            let limits = book.limits(user, &GroupName(group.clone()));
            let end = limits.valid_until.and_then(DateTime::from_timestamp_millis);
            valid_until = valid_until.into_iter().chain(end).min();
            let of_group = |held: &&Held| held.user == *id && held.group == *group;
            let held: Vec<&Held> = held.iter().filter(of_group).collect();
            entries.extend(Level::ALL.into_iter().filter_map(|level| {
                let at_level = held.iter().filter(|held| held.level == level.value());
                let used = at_level.map(|held| held.nodes).sum();
                let (limit, ceiling) = (limits.at(level), limits.of(level).ceiling);
                (used > 0 || limit > 0 || ceiling.is_some()).then(|| QuotaUsage {
                    group: group.clone(),
                    level,
                    used,
                    limit,
                    ceiling,
                })
            }));
        }
        let ledger = Ledger {
            entries,
            amounts,
            valid_until,
        };
        ledgers.insert(*id, ledger);
    }
    Ok(ledgers)
}

/// Nodes that one open run holds.
struct Held {
    user: UserId,
    group: String,
    level: i32,
    nodes: u32,
}

async fn held(db: &impl ConnectionTrait, users: &[UserId]) -> Result<Vec<Held>> {
    let tasks = task::Entity::find()
        .filter(task::Column::UserId.is_in(users.iter().copied()))
        .filter(task::Column::State.eq(task::State::Running))
        .all(db)
        .await?;
    let runs = run::Entity::find()
        .filter(run::Column::TaskId.is_in(tasks.iter().map(|task| task.id)))
        .filter(run::Column::State.is_in(OPEN))
        .all(db)
        .await?;
    let pods = pod::Entity::find()
        .filter(pod::Column::RunId.is_in(runs.iter().map(|run| run.id)))
        .filter(pod::Column::ReleasedAt.is_null())
        .all(db)
        .await?;
    Ok(runs
        .iter()
        .filter_map(|run| {
            let task = tasks.iter().find(|task| task.id == run.task_id)?;
            let nodes = pods.iter().filter(|pod| pod.run_id == run.id).count();
            Some(Held {
                user: task.user_id,
                group: task.group_name.clone(),
                level: run.level,
                nodes: u32::try_from(nodes).unwrap_or(u32::MAX),
            })
        })
        .collect())
}
