//! Stops, holds and resumes: what people want of a task, against where it is.

use entity::task;
use sea_orm::{EntityTrait, QuerySelect, SqlErr};

use super::change::{finish, reopen, want, wished_end};
use super::{Desired, StopAs, Task, TaskChange, TaskEvent, TaskId, next};
use crate::auth::{Action, Actor, Target, may};
use crate::error::{Error, Result};
use crate::store::Tx;

/// Asks that a task ends, as stopped, succeeded or failed: at once if it is queued, through its run if it is running.
/// Stopping a finished task changes nothing.
///
/// # Errors
/// [`Error::NotFound`] if there is no such task or the actor may not know of it.
pub async fn stop(tx: &mut Tx, actor: &Actor, id: TaskId, stop_as: StopAs) -> Result<Task> {
    let task = of_actor(tx, actor, Action::StopTask, id).await?;
    match change(&task, TaskEvent::Stop(stop_as))? {
        TaskChange::Finished(_) => finish(tx, &task, &wished_end(stop_as)).await?,
        TaskChange::Wanted(desired) => want(tx, &task, desired, Some(stop_as)).await?,
        TaskChange::Nothing | TaskChange::Started | TaskChange::Queued => {}
    }
    find(tx, id).await
}

/// Puts a task on hold: it saves, gives its nodes back, and waits until it is resumed.
///
/// # Errors
/// [`Error::NotFound`] as for a stop, [`Error::Conflict`] if the task is finished.
pub async fn suspend(tx: &mut Tx, actor: &Actor, id: TaskId) -> Result<Task> {
    let task = of_actor(tx, actor, Action::StopTask, id).await?;
    if task.desired == Desired::Stop && task.state != task::State::Finished {
        return Err(Error::Conflict(format!("task {id} is being stopped")));
    }
    if let TaskChange::Wanted(desired) = change(&task, TaskEvent::Hold)? {
        want(tx, &task, desired, None).await?;
    }
    find(tx, id).await
}

/// Lets a task run: one on hold, one that is being stopped, and one that is finished, whose next run has the next number.
///
/// # Errors
/// [`Error::NotFound`] as for a stop, [`Error::Conflict`] if another live task has taken the name of a finished one.
pub async fn resume(tx: &mut Tx, actor: &Actor, id: TaskId) -> Result<Task> {
    let task = of_actor(tx, actor, Action::StopTask, id).await?;
    match change(&task, TaskEvent::Resume)? {
        TaskChange::Wanted(desired) => want(tx, &task, desired, None).await?,
        TaskChange::Queued => reopen(tx, &task)
            .await
            .map_err(|error| name_taken(error, &task))?,
        TaskChange::Nothing | TaskChange::Started | TaskChange::Finished(_) => {}
    }
    find(tx, id).await
}

fn change(task: &Task, event: TaskEvent) -> Result<TaskChange> {
    next(task.state, event)
        .map_err(|_| Error::Conflict(format!("task {} is already finished", task.id)))
}

fn name_taken(error: Error, task: &Task) -> Error {
    let taken = match &error {
        Error::Internal(source) => source
            .downcast_ref::<sea_orm::DbErr>()
            .and_then(sea_orm::DbErr::sql_err)
            .is_some_and(|error| matches!(error, SqlErr::UniqueConstraintViolation(_))),
        _ => false,
    };
    if taken {
        Error::Conflict(format!(
            "another task named {} is not finished: stop it before you resume this one",
            task.name
        ))
    } else {
        error
    }
}

/// The task, if the actor may do that to it.
pub(super) async fn of_actor(tx: &Tx, actor: &Actor, action: Action, id: TaskId) -> Result<Task> {
    // Nobody may start or end it between this look and the change; SQLite has one writer anyway.
    let task = task::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("task", id))?;
    let target = Target::from(&task);
    if may(actor, action, target) {
        Ok(task)
    } else if may(actor, Action::ReadTask, target) {
        let reason = "you may see this task, and not do that to it";
        Err(Error::Forbidden(reason.to_owned()))
    } else {
        Err(Error::not_found("task", id))
    }
}

pub(super) async fn find(tx: &Tx, id: TaskId) -> Result<Task> {
    task::Entity::find_by_id(id)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("task", id))
}
