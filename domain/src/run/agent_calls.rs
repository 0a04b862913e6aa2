//! What training code asks of the platform through its agent.

use chrono::TimeDelta;
use entity::run::DrainReason;
use entity::{pod, run, task};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::change::{drain, set_message};
use super::grace::Graces;
use super::report::of_agent;
use super::state::{Phase, phase};
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::task::{Reprioritize, exclude, write_priority};

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

/// The training code changes the priority of its task until the next run, which has the submitted one again.
///
/// # Errors
/// [`Error::Forbidden`] for anybody but an agent; else as for [`reprioritize`](crate::task::reprioritize).
pub async fn set_priority(tx: &mut Tx, actor: &Actor, wish: &Reprioritize) -> Result<()> {
    let (agent, ..) = of_agent(tx, actor).await?;
    let task = task::Entity::find_by_id(agent.task)
        .lock_exclusive()
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("task", agent.task))?;
    write_priority(tx, &task, wish).await
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
    graces: &Graces,
) -> Result<()> {
    let (_, run, pod): (_, run::Model, pod::Model) = of_agent(tx, actor).await?;
    let message: String = message.chars().take(1000).collect();
    let message = format!("rank {} on {}: {message}", pod.rank, pod.node_name);
    if !hardware_ok && phase(&run) == Phase::Running {
        drain(tx, &run, DrainReason::Lost, graces).await?;
        exclude(tx, run.task_id, &pod.node_name, tx.now() + EXCLUSION).await?;
    }
    set_message(tx, &run, &message).await
}
