//! Which task was on a node at a time.

use chrono::{DateTime, Utc};
use entity::{TaskId, pod, run, task, user};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Query,
};

use super::query::hosts;
use crate::auth::{Action, Actor, Target, require};
use crate::error::{Error, Result};

/// A rank that was on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The task.
    pub task: TaskId,
    /// Its name.
    pub name: String,
    /// Name of its owner.
    pub owner: String,
    /// Number of the run.
    pub run: i32,
    /// The rank.
    pub rank: i32,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when; absent if it is there still.
    pub until: Option<DateTime<Utc>>,
}

/// The task on a node at a time; now if that is absent.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators, [`Error::NotFound`] if there is no such node.
pub async fn task_at(
    db: &impl ConnectionTrait,
    actor: &Actor,
    node: &str,
    at: DateTime<Utc>,
) -> Result<Option<Located>> {
    require(actor, Action::LocateTask, Target::Platform)?;
    let begun = Query::select()
        .column(run::Column::Id)
        .from(run::Entity)
        .and_where(run::Column::CreatedAt.lte(at))
        .take();
    let not_over = Condition::any()
        .add(pod::Column::ReleasedAt.is_null())
        .add(pod::Column::ReleasedAt.gt(at));
    let found = pod::Entity::find()
        .filter(pod::Column::NodeName.eq(node))
        .filter(not_over)
        .filter(pod::Column::RunId.in_subquery(begun))
        .order_by_desc(pod::Column::RunId)
        .limit(1)
        .one(db)
        .await?;
    let Some(pod) = found else {
        exists(db, node).await?;
        return Ok(None);
    };
    let lost = || Error::internal("a pod without its run, task and owner");
    let run = run::Entity::find_by_id(pod.run_id).one(db).await?;
    let run = run.ok_or_else(lost)?;
    let task = task::Entity::find_by_id(run.task_id).one(db).await?;
    let task = task.ok_or_else(lost)?;
    let owner = user::Entity::find_by_id(task.user_id).one(db).await?;
    Ok(Some(Located {
        task: task.id,
        name: task.name,
        owner: owner.ok_or_else(lost)?.name,
        run: run.number,
        rank: pod.rank,
        from: run.created_at,
        until: pod.released_at,
    }))
}

async fn exists(db: &impl ConnectionTrait, node: &str) -> Result<()> {
    let host = hosts().filter(entity::host::Column::Name.eq(node));
    let host = host.one(db).await?;
    host.map(drop).ok_or_else(|| Error::not_found("node", node))
}
