//! Writes the changes of a task: compare-and-set on its version.

use chrono::{DateTime, Utc};
use entity::task::{self, State, StopAs};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany, sea_query::Expr};

use super::Task;
use crate::error::Result;
use crate::events::Event;
use crate::run::End;
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

/// Its first run has passed the start gate.
pub(crate) async fn note_start(tx: &mut Tx, task: &Task) -> Result<()> {
    if task.started_at.is_some() {
        return Ok(());
    }
    let change = versioned(task).col_expr(task::Column::StartedAt, Expr::value(Some(tx.now())));
    apply(tx, task, change).await
}

/// Its owner wants it to end.
pub(crate) async fn want_stop(tx: &mut Tx, task: &Task, stop_as: StopAs) -> Result<()> {
    let change = versioned(task)
        .col_expr(task::Column::Desired, Expr::value(task::Desired::Stop))
        .col_expr(task::Column::StopAs, Expr::value(Some(stop_as)));
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
