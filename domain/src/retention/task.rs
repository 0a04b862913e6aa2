//! Tasks that finished long ago, with everything that is theirs.
//!
//! A transaction removes rows of one table, the leaves first. Each looks again whether the task is still finished: its owner may
//! let it run again until it is gone.

use chrono::{DateTime, Utc};
use entity::{
    TaskId, exclusion, occupancy, pod, rank_event, reservation, run, submission, task, task_change,
    task_tag, user,
};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, DbBackend, EntityTrait, JoinType, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::MOST_ROWS;
use super::log::user_of_task;
use crate::app::App;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::task::State;

/// Tasks that go together: of what hangs on a task itself there is little.
const MOST_TASKS: u64 = 50;

/// Removes a batch of what belongs to tasks that finished before that time, or some of these. Says whether there may be more.
pub(super) async fn tend(app: &App, than: DateTime<Utc>) -> Result<bool> {
    let old: Vec<(TaskId, String)> = task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .column(user::Column::Name)
        .join(JoinType::InnerJoin, user_of_task())
        .filter(is_over(app, than))
        .order_by_asc(task::Column::FinishedAt)
        .limit(MOST_TASKS)
        .into_tuple()
        .all(app.reader())
        .await?;
    if old.is_empty() {
        return Ok(false);
    }
    for (task, user) in &old {
        let removed = app.logs.remove_task(user, task.0).await;
        removed.map_err(|error| Error::Internal(error.into()))?;
    }
    let old: Vec<TaskId> = old.into_iter().map(|(task, _)| task).collect();
    let tx = app.begin().await?;
    let old = locked(&tx, old, is_over(app, than)).await?;
    let removed = remove(tx.db(), &old).await?;
    tx.commit().await?;
    Ok(removed)
}

/// Which tasks may go. The newest mark of a change stays on SQLite, where the next one is counted from it.
fn is_over(app: &App, than: DateTime<Utc>) -> Condition {
    let is_over = Condition::all()
        .add(task::Column::State.eq(State::Finished))
        .add(task::Column::FinishedAt.lt(than));
    if app.store.is_shared() {
        return is_over;
    }
    let newest = Query::select()
        .expr(Expr::col(task_change::Column::Number).max())
        .from(task_change::Entity)
        .to_owned();
    let marked = Query::select()
        .column(task_change::Column::TaskId)
        .from(task_change::Entity)
        .and_where(task_change::Column::Number.in_subquery(newest))
        .to_owned();
    is_over.add(task::Column::Id.not_in_subquery(marked))
}

/// Those that are still over, and stay so until the transaction ends.
async fn locked(tx: &Tx, tasks: Vec<TaskId>, is_over: Condition) -> Result<Vec<TaskId>> {
    let mut query = task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .filter(task::Column::Id.is_in(tasks))
        .filter(is_over)
        .order_by_asc(task::Column::Id);
    if sea_orm::ConnectionTrait::get_database_backend(tx.db()) == DbBackend::Postgres {
        query = query.lock_exclusive();
    }
    Ok(query.into_tuple().all(tx.db()).await?)
}

/// Removes the rows of each table that belong to these tasks.
macro_rules! remove_of {
    ($db:ident, $tasks:ident: $($table:ident),*) => {$(
        $table::Entity::delete_many()
            .filter($table::Column::TaskId.is_in($tasks.iter().copied()))
            .exec($db)
            .await?;
    )*};
}

/// Removes a batch of pods, else of runs, else what hangs on the tasks, and them. Says whether anything was removed.
async fn remove(db: &DatabaseTransaction, tasks: &[TaskId]) -> Result<bool> {
    if tasks.is_empty() {
        return Ok(false);
    }
    let of_tasks = || run::Column::TaskId.is_in(tasks.iter().copied());
    let pods = Query::select()
        .column((pod::Entity, pod::Column::Id))
        .from(pod::Entity)
        .inner_join(
            run::Entity,
            Expr::col((run::Entity, run::Column::Id)).equals((pod::Entity, pod::Column::RunId)),
        )
        .and_where(of_tasks())
        .limit(MOST_ROWS)
        .to_owned();
    let removed = pod::Entity::delete_many()
        .filter(pod::Column::Id.in_subquery(pods))
        .exec(db)
        .await?;
    if removed.rows_affected > 0 {
        return Ok(true);
    }
    let runs = Query::select()
        .column(run::Column::Id)
        .from(run::Entity)
        .and_where(of_tasks())
        .and_where(run::Column::Id.not_in_subquery(held()))
        .limit(MOST_ROWS)
        .to_owned();
    // There are few of each.
    rank_event::Entity::delete_many()
        .filter(rank_event::Column::RunId.in_subquery(runs.clone()))
        .exec(db)
        .await?;
    let removed = run::Entity::delete_many()
        .filter(run::Column::Id.in_subquery(runs))
        .exec(db)
        .await?;
    if removed.rows_affected > 0 {
        return Ok(true);
    }
    // One whose run is still there, for whatever reason, stays whole.
    let runs = Query::select()
        .column(run::Column::TaskId)
        .from(run::Entity)
        .and_where(of_tasks())
        .to_owned();
    let tasks: Vec<TaskId> = task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .filter(task::Column::Id.is_in(tasks.iter().copied()))
        .filter(task::Column::Id.not_in_subquery(runs))
        .into_tuple()
        .all(db)
        .await?;
    remove_of!(db, tasks: task_tag, submission, reservation, exclusion, task_change);
    let removed = task::Entity::delete_many()
        .filter(task::Column::Id.is_in(tasks.iter().copied()))
        .exec(db)
        .await?;
    Ok(removed.rows_affected > 0)
}

/// Runs that hold a node.
fn held() -> SelectStatement {
    Query::select()
        .column(occupancy::Column::RunId)
        .from(occupancy::Entity)
        .and_where(occupancy::Column::RunId.is_not_null())
        .to_owned()
}
