//! What a user holds and may hold, counted by the planner's own functions.

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
    /// Nodes at the same time.
    pub limit: u32,
}

/// The quotas of a user, by group and from the highest level to the lowest; without those that are neither granted nor
/// used.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user.
pub async fn usage(
    db: &impl ConnectionTrait,
    now: chrono::DateTime<chrono::Utc>,
    user_id: UserId,
) -> Result<Vec<QuotaUsage>> {
    let users = planner_users(db, &[user_id]).await?;
    let user = users
        .get(&user_id)
        .ok_or_else(|| Error::not_found("user", user_id))?;
    let rows = load_rows(db).await?;
    let book = QuotaBook::open(&rows, now.timestamp_millis());
    let held = held(db, user_id).await?;
    let mut result = Vec::new();
    for group in node::groups(db).await? {
        let limits = book.limits(user, &GroupName(group.clone()));
        for level in Level::ALL {
            let used = held
                .iter()
                .filter(|held| held.group == group && held.level == level.value())
                .map(|held| held.nodes)
                .sum();
            let limit = limits.at(level);
            if used > 0 || limit > 0 {
                result.push(QuotaUsage {
                    group: group.clone(),
                    level,
                    used,
                    limit,
                });
            }
        }
    }
    Ok(result)
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
