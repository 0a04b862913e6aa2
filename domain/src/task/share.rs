//! Shares a task with the team of its owner, and takes that back.

use super::change::set_shared;
use super::stop::{find, of_actor};
use super::{Task, TaskId};
use crate::auth::{Action, Actor};
use crate::error::Result;
use crate::store::Tx;
use crate::user;

/// Lets the members of the team that its owner belongs to now see the task and its logs, or nobody but its owner. The team
/// stays the same when the owner moves to another.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) if there is no such task that the actor may see,
/// [`Error::Forbidden`](crate::Error::Forbidden) for a task of somebody else.
pub async fn share(tx: &mut Tx, actor: &Actor, id: TaskId, is_shared: bool) -> Result<Task> {
    let task = of_actor(tx, actor, Action::ShareTask, id).await?;
    let team = if is_shared {
        Some(user::get(tx.db(), task.user_id).await?.shared_group)
    } else {
        None
    };
    if task.shared_in == team {
        return Ok(task);
    }
    set_shared(tx, &task, team).await?;
    find(tx, id).await
}
