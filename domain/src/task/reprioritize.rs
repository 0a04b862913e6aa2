//! Changes how urgent a task is, while it waits and while it runs.

use entity::{task, user};
use sea_orm::EntityTrait;

use super::change::set_priority;
use super::stop::of_actor;
use super::{Priority, State, Task, TaskId, TaskSpec};
use crate::auth::{Action, Actor};
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::user::Role;

/// What is to change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reprioritize {
    /// How urgent it is; left as it is if absent.
    pub priority: Option<Priority>,
    /// Until when.
    pub lasts: Lasts,
    /// Place among the owner's own tasks, lower first; left as it is if absent.
    pub custom_rank: Option<f64>,
}

/// Until when a changed priority holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// Until the next run of the task has ended; then it has the submitted priority again.
    OneRun,
    /// For every run to come: as if it had been submitted with it.
    EveryRun,
}

/// Changes the priority of a task. The run of a task that runs goes on at the new level: a lower one at once, which may
/// interrupt it, a higher one as soon as its owner's quota has room for it there.
///
/// # Errors
/// [`Error::Invalid`] if nothing is to change, [`Error::NotFound`] as for a stop, [`Error::Conflict`] if the task is
/// finished, [`Error::Forbidden`] if its owner is from outside: the platform chooses for such tasks.
pub async fn reprioritize(
    tx: &mut Tx,
    actor: &Actor,
    id: TaskId,
    wish: &Reprioritize,
) -> Result<Task> {
    let task = of_actor(tx, actor, Action::SetPriority, id).await?;
    write_priority(tx, &task, wish).await?;
    super::stop::find(tx, id).await
}

/// The same for whoever is known to be allowed to.
pub(crate) async fn write_priority(tx: &mut Tx, task: &Task, wish: &Reprioritize) -> Result<()> {
    check(task, wish)?;
    let mut new = task.clone();
    if let Some(priority) = wish.priority {
        check_owner(tx, task, priority).await?;
        new.priority = priority.value();
        if wish.lasts == Lasts::EveryRun {
            let spec = TaskSpec::from_json(&task.spec)
                .map_err(|_| Error::internal("the stored specification cannot be read"))?;
            new.spec = spec.with_priority(priority).to_json();
        }
    }
    new.custom_rank = wish.custom_rank.or(task.custom_rank);
    if new == *task {
        return Ok(());
    }
    set_priority(tx, task, new).await
}

fn check(task: &task::Model, wish: &Reprioritize) -> Result<()> {
    if wish.priority.is_none() && wish.custom_rank.is_none() {
        return Err(Error::invalid(
            "priority",
            "nothing is to change: give a priority or a custom rank",
        ));
    }
    if wish.custom_rank.is_some_and(|rank| !rank.is_finite()) {
        return Err(Error::invalid("customRank", "must be a finite number"));
    }
    if task.state == State::Finished {
        return Err(Error::Conflict(format!(
            "task {} is already finished",
            task.id
        )));
    }
    Ok(())
}

/// People from outside cannot choose: the scheduler does.
async fn check_owner(tx: &Tx, task: &Task, priority: Priority) -> Result<()> {
    let owner = user::Entity::find_by_id(task.user_id)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("user", task.user_id))?;
    if owner.role == Role::External && priority != Priority::Auto {
        return Err(Error::Forbidden(format!(
            "tasks of {} run at AUTO: the platform chooses their level",
            owner.name
        )));
    }
    Ok(())
}
