//! Writes the changes of a task: compare-and-set on its version.

use chrono::{DateTime, Utc};
use entity::exclusion;
use entity::task::{self, Desired, State, StopAs};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, UpdateMany};

use super::{Task, TaskId, TaskSpec};
use crate::error::Result;
use crate::events::Event;
use crate::run::{Again, End};
use crate::store::{Tx, exactly_one};

/// It has an open run now, the one with the next number.
pub(crate) async fn start(tx: &mut Tx, task: &Task) -> Result<()> {
    let change = versioned(task)
        .col_expr(task::Column::State, Expr::value(State::Running))
        .col_expr(task::Column::RunCount, Expr::value(task.run_count + 1))
        .col_expr(task::Column::NotBefore, Expr::value(None::<DateTime<Utc>>))
        .col_expr(task::Column::Wait, Expr::value(None::<serde_json::Value>));
    apply(tx, task, change).await
}

/// It is over.
pub(crate) async fn finish(tx: &mut Tx, task: &Task, end: &End) -> Result<()> {
    let change = versioned(task)
        .col_expr(task::Column::State, Expr::value(State::Finished))
        .col_expr(task::Column::Outcome, Expr::value(Some(end.outcome)))
        .col_expr(
            task::Column::StopCode,
            Expr::value(task.stop_code | end.stop_code),
        )
        .col_expr(task::Column::ExitCode, Expr::value(end.exit_code))
        .col_expr(task::Column::FinishedAt, Expr::value(Some(tx.now())))
        .col_expr(task::Column::Wait, Expr::value(None::<serde_json::Value>));
    apply(tx, task, change).await
}

/// It goes back to its place in the line.
pub(crate) async fn queue_again(tx: &mut Tx, task: &Task, end: &End, again: &Again) -> Result<()> {
    let change = versioned(task)
        .col_expr(task::Column::State, Expr::value(State::Queued))
        .col_expr(
            task::Column::StopCode,
            Expr::value(task.stop_code | end.stop_code),
        )
        .col_expr(task::Column::ExitCode, Expr::value(end.exit_code))
        .col_expr(
            task::Column::Priority,
            Expr::value(submitted_priority(task)),
        )
        .col_expr(task::Column::NotBefore, Expr::value(again.not_before))
        .col_expr(task::Column::SpoiltRuns, Expr::value(again.spoilt_runs))
        .col_expr(task::Column::FailedRuns, Expr::value(again.failed_runs));
    apply(tx, task, change).await?;
    for (node, until) in &again.excluded {
        exclude(tx, task.id, node, *until).await?;
    }
    Ok(())
}

/// A priority that was changed meanwhile was for that run only.
fn submitted_priority(task: &Task) -> i32 {
    TaskSpec::from_json(&task.spec).map_or(task.priority, |spec| spec.priority().value())
}

/// It stays away from a node for a while.
pub(crate) async fn exclude(
    tx: &Tx,
    task_id: TaskId,
    node: &str,
    until: DateTime<Utc>,
) -> Result<()> {
    let row = exclusion::ActiveModel {
        task_id: Set(task_id),
        node_name: Set(node.to_owned()),
        until: Set(until),
    };
    let conflict = OnConflict::columns([exclusion::Column::TaskId, exclusion::Column::NodeName])
        .update_column(exclusion::Column::Until)
        .to_owned();
    exclusion::Entity::insert(row)
        .on_conflict(conflict)
        .exec_without_returning(tx.db())
        .await?;
    Ok(())
}

/// A finished task is opened again.
pub(crate) async fn reopen(tx: &mut Tx, task: &Task) -> Result<()> {
    let change = versioned(task)
        .col_expr(task::Column::State, Expr::value(State::Queued))
        .col_expr(task::Column::Desired, Expr::value(Desired::Run))
        .col_expr(task::Column::StopAs, Expr::value(None::<StopAs>))
        .col_expr(task::Column::Outcome, Expr::value(None::<task::Outcome>))
        .col_expr(task::Column::FinishedAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(task::Column::NotBefore, Expr::value(None::<DateTime<Utc>>))
        .col_expr(task::Column::SpoiltRuns, Expr::value(0))
        .col_expr(task::Column::FailedRuns, Expr::value(0));
    apply(tx, task, change).await
}

/// Its first run has passed the start gate.
pub(crate) async fn note_start(tx: &mut Tx, task: &Task) -> Result<()> {
    if task.started_at.is_some() {
        return Ok(());
    }
    let change = versioned(task).col_expr(task::Column::StartedAt, Expr::value(Some(tx.now())));
    apply(tx, task, change).await
}

/// Its priority changes to that of `new`, with its custom rank and its specification.
pub(crate) async fn set_priority(tx: &mut Tx, task: &Task, new: Task) -> Result<()> {
    let change = versioned(task)
        .col_expr(task::Column::Priority, Expr::value(new.priority))
        .col_expr(task::Column::CustomRank, Expr::value(new.custom_rank))
        .col_expr(task::Column::Spec, Expr::value(new.spec));
    apply(tx, task, change).await
}

/// Only who may see it changes.
pub(super) async fn set_shared(tx: &mut Tx, task: &Task, team: Option<String>) -> Result<()> {
    let change = versioned(task).col_expr(task::Column::SharedIn, Expr::value(team));
    apply(tx, task, change).await
}

/// Only what is wanted of it changes; with [`Desired::Stop`] also as what it is to end.
pub(crate) async fn want(
    tx: &mut Tx,
    task: &Task,
    desired: Desired,
    stop_as: Option<StopAs>,
) -> Result<()> {
    let change = versioned(task)
        .col_expr(task::Column::Desired, Expr::value(desired))
        .col_expr(task::Column::StopAs, Expr::value(stop_as));
    apply(tx, task, change).await
}

fn versioned(task: &Task) -> UpdateMany<task::Entity> {
    task::Entity::update_many()
        .col_expr(task::Column::Version, Expr::value(task.version + 1))
        .filter(task::Column::Id.eq(task.id))
        .filter(task::Column::Version.eq(task.version))
}

async fn apply(tx: &mut Tx, task: &Task, change: UpdateMany<task::Entity>) -> Result<()> {
    let result = change.exec(tx.db()).await?;
    exactly_one(result.rows_affected, &format!("task {}", task.id))?;
    tx.wake(Event::Task(task.id));
    Ok(())
}

/// The end of a task that never ran: as its owner wished.
pub(crate) fn wished_end(stop_as: StopAs) -> End {
    End {
        outcome: super::as_outcome(stop_as),
        stop_code: super::stop_code(stop_as),
        exit_code: None,
        message: None,
    }
}
