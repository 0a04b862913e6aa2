//! What training code asks of the platform through its agent.

use chrono::TimeDelta;
use entity::run::DrainReason;
use entity::{pod, run, task};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::change::{drain, set_message};
use super::report::of_agent;
use super::state::{Grace, Phase, phase};
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::Tx;
use crate::task::{Priority, exclude};

/// How long a task stays away from a node whose hardware its own check has found bad.
const EXCLUSION: TimeDelta = TimeDelta::minutes(30);

/// Keeps a number for the next run of the task.
///
/// # Errors
/// [`Error::Forbidden`] for anybody but an agent, [`Error::Invalid`] for a negative number.
pub async fn set_life_state(tx: &Tx, actor: &Actor, state: i32) -> Result<()> {
    let (agent, ..) = of_agent(tx, actor).await?;
    if state < 0 {
        return Err(Error::invalid("state", "must not be negative"));
    }
    task::Entity::update_many()
        .col_expr(task::Column::WholeLifeState, Expr::value(state))
        .col_expr(
            task::Column::Version,
            Expr::col(task::Column::Version).add(1),
        )
        .filter(task::Column::Id.eq(agent.task))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Changes the priority of the task until its next run, which has the submitted one again.
///
/// # Errors
/// [`Error::Forbidden`] for anybody but an agent.
pub async fn set_priority(
    tx: &mut Tx,
    actor: &Actor,
    priority: Priority,
    custom_rank: Option<f64>,
) -> Result<()> {
    let (agent, ..) = of_agent(tx, actor).await?;
    let mut change = task::Entity::update_many()
        .col_expr(task::Column::Priority, Expr::value(priority.value()))
        .col_expr(
            task::Column::Version,
            Expr::col(task::Column::Version).add(1),
        );
    if custom_rank.is_some() {
        change = change.col_expr(task::Column::CustomRank, Expr::value(custom_rank));
    }
    change
        .filter(task::Column::Id.eq(agent.task))
        .exec(tx.db())
        .await?;
    tx.wake(Event::Task(agent.task));
    Ok(())
}

/// The training code has found why it fails: with bad hardware the run ends, and the task runs again elsewhere.
///
/// # Errors
/// [`Error::Forbidden`] for anybody but an agent.
pub async fn report_failure(
    tx: &mut Tx,
    actor: &Actor,
    hardware_ok: bool,
    message: &str,
    grace: &Grace,
) -> Result<()> {
    let (_, run, pod): (_, run::Model, pod::Model) = of_agent(tx, actor).await?;
    let message: String = message.chars().take(1000).collect();
    let message = format!("rank {} on {}: {message}", pod.rank, pod.node_name);
    if !hardware_ok && phase(&run) == Phase::Running {
        drain(tx, &run, DrainReason::Lost, grace).await?;
        exclude(tx, run.task_id, &pod.node_name, tx.now() + EXCLUSION).await?;
    }
    set_message(tx, &run, &message).await
}
