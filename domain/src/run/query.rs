//! Looks runs and pods up.

use entity::{RunId, TaskId, pod, run};
use protocol::Order;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::report::is_over;
use super::{Pod, Run, changes_at, order};
use crate::app::App;
use crate::auth::AgentActor;
use crate::error::{Error, Result};

/// One page of the runs of a task, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub runs: Vec<Run>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// One run.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(db: &impl ConnectionTrait, id: RunId) -> Result<Run> {
    run::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or_else(|| Error::not_found("run", id))
}

/// The runs of a task with a number below `before`, newest first.
///
/// # Errors
/// If the database is away.
pub async fn list(
    db: &impl ConnectionTrait,
    task_id: TaskId,
    before: Option<i32>,
    limit: u64,
) -> Result<Page> {
    let mut query = run::Entity::find()
        .filter(run::Column::TaskId.eq(task_id))
        .order_by_desc(run::Column::Number);
    if let Some(before) = before {
        query = query.filter(run::Column::Number.lt(before));
    }
    let mut runs = query.limit(limit + 1).all(db).await?;
    let has_more = runs.len() as u64 > limit;
    runs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Page { runs, has_more })
}

/// The pods of some runs, by run and rank.
///
/// # Errors
/// If the database is away.
pub async fn pods_of(db: &impl ConnectionTrait, runs: &[RunId]) -> Result<Vec<Pod>> {
    Ok(pod::Entity::find()
        .filter(pod::Column::RunId.is_in(runs.iter().copied()))
        .order_by_asc(pod::Column::RunId)
        .order_by_asc(pod::Column::Rank)
        .all(db)
        .await?)
}

/// What is wanted of an agent's rank now, and when time alone changes that.
///
/// # Errors
/// If the database is away. A run that does not exist is over.
pub async fn order_of(
    app: &App,
    agent: &AgentActor,
) -> Result<(Order, Option<chrono::DateTime<chrono::Utc>>)> {
    let Some(run) = run::Entity::find_by_id(agent.run).one(app.reader()).await? else {
        return Ok((Order::OVER, None));
    };
    let pods = pods_of(app.reader(), &[run.id]).await?;
    let given_up = pods
        .iter()
        .any(|pod| pod.rank == agent.rank && is_over(pod.state));
    if given_up {
        return Ok((Order::OVER, None));
    }
    let now = app.now();
    Ok((
        order(&run, now, &app.settings.graces),
        changes_at(&run, now),
    ))
}
