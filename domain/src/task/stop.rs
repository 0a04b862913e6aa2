//! Stops a task: at once if it is queued, through its run if it is running.

use entity::task;
use sea_orm::{EntityTrait, QuerySelect};

use super::change::{finish, want_stop, wished_end};
use super::{StopAs, Task, TaskChange, TaskEvent, TaskId, next};
use crate::auth::{Action, Actor, Target, may};
use crate::error::{Error, Result};
use crate::store::Tx;

/// Asks that a task ends, as stopped, succeeded or failed. Stopping a finished task changes nothing.
///
/// # Errors
/// [`Error::NotFound`] if there is no such task or the actor may not know of it.
pub async fn stop(tx: &mut Tx, actor: &Actor, id: TaskId, stop_as: StopAs) -> Result<Task> {
    // Nobody may start or end it between this look and the change; SQLite has one writer anyway.
    let task = task::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("task", id))?;
    if !may(actor, Action::StopTask, Target::Of(task.user_id)) {
        return Err(Error::not_found("task", id));
    }
    let change = next(task.state, TaskEvent::Stop(stop_as))
        .map_err(|error| Error::Internal(error.into()))?;
    match change {
        TaskChange::Finished(_) => finish(tx, &task, &wished_end(stop_as)).await?,
        TaskChange::StopWanted(stop_as) => want_stop(tx, &task, stop_as).await?,
        TaskChange::Nothing => return Ok(task),
        TaskChange::Started => {
            return Err(Error::internal("a stop cannot start a task"));
        }
    }
    find(tx, id).await
}

async fn find(tx: &Tx, id: TaskId) -> Result<Task> {
    task::Entity::find_by_id(id)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("task", id))
}
