//! Writes the changes of a run: compare-and-set on its version.

use chrono::{DateTime, Utc};
use entity::run::{DrainReason, State};
use entity::{RunId, TaskId, host, occupancy, pod, run};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, NotSet, QueryFilter, QueryTrait,
    UpdateMany,
};

use super::grace::{Deadlines, Graces};
use super::outcome::End;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::runtime::Rendezvous;
use crate::store::{Tx, exactly_one};

/// A run that is to begin.
#[derive(Debug)]
pub(crate) struct NewRun<'a> {
    pub(crate) task_id: TaskId,
    pub(crate) number: i32,
    pub(crate) level: i32,
    /// The node of each rank, in order.
    pub(crate) nodes: &'a [String],
}

/// Begins a run and takes its nodes.
///
/// # Errors
/// [`Error::Conflict`] if a node is not free any more.
pub(crate) async fn insert(tx: &mut Tx, new: NewRun<'_>) -> Result<RunId> {
    let run = run::ActiveModel {
        id: NotSet,
        task_id: Set(new.task_id),
        number: Set(new.number),
        state: Set(State::Starting),
        drain_reason: Set(None),
        stop_at: Set(None),
        kill_at: Set(None),
        level: Set(new.level),
        master_addr: Set(None),
        master_port: Set(None),
        outcome: Set(None),
        stop_code: Set(0),
        exit_code: Set(None),
        message: Set(None),
        created_at: Set(tx.now()),
        started_at: Set(None),
        ended_at: Set(None),
        version: Set(0),
    }
    .insert(tx.db())
    .await?;
    for (rank, node) in (0..).zip(new.nodes) {
        take(tx, node, run.id).await?;
        let pod = pod::ActiveModel {
            id: NotSet,
            run_id: Set(run.id),
            rank: Set(rank),
            node_name: Set(node.clone()),
            state: Set(pod::State::Created),
            started_at: Set(None),
            ended_at: Set(None),
            exit_code: Set(None),
            message: Set(None),
            suspend: Set(None),
            silent: Set(false),
            log_end: Set(None),
            missing_since: Set(None),
            released_at: Set(None),
            version: Set(0),
        };
        pod::Entity::insert(pod)
            .exec_without_returning(tx.db())
            .await?;
    }
    tx.wake(Event::Run(new.task_id, run.id));
    tx.wake(Event::Nodes);
    Ok(run.id)
}

/// Where rank 0 will be reached; written once, before any rank is started. Answers the row as it is then.
pub(crate) async fn set_rendezvous(
    tx: &mut Tx,
    run: &run::Model,
    rendezvous: &Rendezvous,
) -> Result<run::Model> {
    let new = run::Model {
        master_addr: Some(rendezvous.addr.clone()),
        master_port: Some(i32::from(rendezvous.port)),
        version: run.version + 1,
        ..run.clone()
    };
    let change = versioned(run)
        .col_expr(
            run::Column::MasterAddr,
            Expr::value(new.master_addr.clone()),
        )
        .col_expr(run::Column::MasterPort, Expr::value(new.master_port));
    apply(tx, run, change).await?;
    Ok(new)
}

/// Opens the gate.
pub(crate) async fn advance(tx: &mut Tx, run: &run::Model) -> Result<()> {
    let change = versioned(run)
        .col_expr(run::Column::State, Expr::value(State::Running))
        .col_expr(run::Column::StartedAt, Expr::value(Some(tx.now())));
    apply(tx, run, change).await
}

/// Begins to end it; a run that is ending already keeps the earlier deadlines. Answers the row as it is then.
pub(crate) async fn drain(
    tx: &mut Tx,
    run: &run::Model,
    reason: DrainReason,
    graces: &Graces,
) -> Result<run::Model> {
    let grace = graces.of(run);
    let fresh = Deadlines::of(reason, run.started_at.is_some(), tx.now(), grace);
    let deadlines = match (run.stop_at, run.kill_at) {
        (Some(stop_at), Some(kill_at)) => fresh.earlier(Deadlines { stop_at, kill_at }),
        _ => fresh,
    };
    let change = versioned(run)
        .col_expr(run::Column::State, Expr::value(State::Draining))
        .col_expr(run::Column::DrainReason, Expr::value(Some(reason)))
        .col_expr(run::Column::StopAt, Expr::value(Some(deadlines.stop_at)))
        .col_expr(run::Column::KillAt, Expr::value(Some(deadlines.kill_at)));
    apply(tx, run, change).await?;
    Ok(run::Model {
        state: State::Draining,
        drain_reason: Some(reason),
        stop_at: Some(deadlines.stop_at),
        kill_at: Some(deadlines.kill_at),
        version: run.version + 1,
        ..run.clone()
    })
}

/// It goes on at another level. Answers the row as it is then.
pub(crate) async fn set_level(tx: &mut Tx, run: &run::Model, level: i32) -> Result<run::Model> {
    let change = versioned(run).col_expr(run::Column::Level, Expr::value(level));
    apply(tx, run, change).await?;
    Ok(run::Model {
        level,
        version: run.version + 1,
        ..run.clone()
    })
}

/// Says why, beside what was already written in the same transaction.
pub(crate) async fn set_message(tx: &Tx, run: &run::Model, message: &str) -> Result<()> {
    run::Entity::update_many()
        .col_expr(run::Column::Message, Expr::value(Some(message)))
        .filter(run::Column::Id.eq(run.id))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// It has given way: the rest is stopped now.
pub(crate) async fn hasten(tx: &mut Tx, run: &run::Model, graces: &Graces) -> Result<()> {
    let now = tx.now();
    let grace = graces.of(run);
    let change = versioned(run)
        .col_expr(run::Column::StopAt, Expr::value(Some(now)))
        .col_expr(
            run::Column::KillAt,
            Expr::value(Some(now + grace.stop + grace.agent)),
        );
    apply(tx, run, change).await
}

/// Nothing of it is left: ends it and gives its nodes back.
pub(crate) async fn end(tx: &mut Tx, run: &run::Model, end: &End) -> Result<()> {
    let now: Option<DateTime<Utc>> = Some(tx.now());
    let change = versioned(run)
        .col_expr(run::Column::State, Expr::value(State::Ended))
        .col_expr(run::Column::Outcome, Expr::value(Some(end.outcome)))
        .col_expr(run::Column::StopCode, Expr::value(end.stop_code))
        .col_expr(run::Column::ExitCode, Expr::value(end.exit_code))
        .col_expr(
            run::Column::Message,
            Expr::value(end.message.clone().or(run.message.clone())),
        )
        .col_expr(run::Column::EndedAt, Expr::value(now));
    apply(tx, run, change).await?;
    pod::Entity::update_many()
        .col_expr(pod::Column::ReleasedAt, Expr::value(now))
        .col_expr(pod::Column::Version, Expr::col(pod::Column::Version).add(1))
        .filter(pod::Column::RunId.eq(run.id))
        .filter(pod::Column::ReleasedAt.is_null())
        .exec(tx.db())
        .await?;
    occupancy::Entity::update_many()
        .col_expr(occupancy::Column::Mode, Expr::value(occupancy::Mode::Free))
        .col_expr(occupancy::Column::RunId, Expr::value(None::<RunId>))
        .col_expr(
            occupancy::Column::Version,
            Expr::col(occupancy::Column::Version).add(1),
        )
        .filter(occupancy::Column::RunId.eq(run.id))
        .exec(tx.db())
        .await?;
    tx.wake(Event::Nodes);
    Ok(())
}

/// Takes a free node that nobody has disabled meanwhile.
async fn take(tx: &Tx, node: &str, run_id: RunId) -> Result<()> {
    let disabled = host::Entity::find()
        .filter(host::Column::Name.eq(node))
        .filter(host::Column::DisabledAt.is_not_null())
        .into_query();
    let result = occupancy::Entity::update_many()
        .col_expr(
            occupancy::Column::Mode,
            Expr::value(occupancy::Mode::Exclusive),
        )
        .col_expr(occupancy::Column::RunId, Expr::value(Some(run_id)))
        .col_expr(
            occupancy::Column::Version,
            Expr::col(occupancy::Column::Version).add(1),
        )
        .filter(occupancy::Column::NodeName.eq(node))
        .filter(occupancy::Column::Mode.eq(occupancy::Mode::Free))
        .filter(Expr::exists(disabled).not())
        .exec(tx.db())
        .await?;
    if result.rows_affected == 1 {
        Ok(())
    } else {
        Err(Error::Conflict(format!("node {node} is not free any more")))
    }
}

fn versioned(run: &run::Model) -> UpdateMany<run::Entity> {
    run::Entity::update_many()
        .col_expr(run::Column::Version, Expr::value(run.version + 1))
        .filter(run::Column::Id.eq(run.id))
        .filter(run::Column::Version.eq(run.version))
}

async fn apply(tx: &mut Tx, run: &run::Model, change: UpdateMany<run::Entity>) -> Result<()> {
    let result = change.exec(tx.db()).await?;
    exactly_one(result.rows_affected, &format!("run {}", run.id))?;
    tx.wake(Event::Run(run.task_id, run.id));
    Ok(())
}
