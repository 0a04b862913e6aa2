//! What a user holds and may hold, counted by the planner's own functions.

use chrono::{DateTime, Utc};
use entity::{UserId, pod, run, task};
use scheduler::{GroupName, Level, QuotaBook};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{load_rows, planner_users};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// By group and from the highest level to the lowest.
    pub entries: Vec<QuotaUsage>,
    /// When a row behind it expires, which may change it.
    pub valid_until: Option<DateTime<Utc>>,
}

/// The entries of the [`ledger`] of a user.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user.
pub async fn usage(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    user_id: UserId,
) -> Result<Vec<QuotaUsage>> {
    Ok(ledger(db, now, user_id).await?.entries)
}

/// The quotas of a user, without those of which nothing is granted, used or limited.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user.
pub async fn ledger(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    user_id: UserId,
) -> Result<Ledger> {
    let users = planner_users(db, &[user_id]).await?;
    let user = users
        .get(&user_id)
        .ok_or_else(|| Error::not_found("user", user_id))?;
    let rows = load_rows(db).await?;
    let book = QuotaBook::open(&rows, now.timestamp_millis());
    let held = held(db, user_id).await?;
    let mut entries = Vec::new();
    let mut valid_until = None;
    for group in node::groups(db).await? {
        let limits = book.limits(user, &GroupName(group.clone()));
        valid_until = valid_until.into_iter().chain(limits.valid_until).min();
        for level in Level::ALL {
            let used = held
                .iter()
                .filter(|held| held.group == group && held.level == level.value())
                .map(|held| held.nodes)
                .sum();
            let (limit, ceiling) = (limits.at(level), limits.of(level).ceiling);
            if used > 0 || limit > 0 || ceiling.is_some() {
                entries.push(QuotaUsage {
                    group: group.clone(),
                    level,
                    used,
                    limit,
                    ceiling,
                });
            }
        }
    }
    Ok(Ledger {
        entries,
        valid_until: valid_until.and_then(DateTime::from_timestamp_millis),
    })
}

/// Nodes that one open run holds.
struct Held {
    group: String,
    level: i32,
    nodes: u32,
}

async fn held(db: &impl ConnectionTrait, user_id: UserId) -> Result<Vec<Held>> {
    let tasks = task::Entity::find()
        .filter(task::Column::UserId.eq(user_id))
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
                group: task.group_name.clone(),
                level: run.level,
                nodes: u32::try_from(nodes).unwrap_or(u32::MAX),
            })
        })
        .collect())
}
