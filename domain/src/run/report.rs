//! What agents say about their ranks, and what records say when the server was away: one function for both.

use chrono::{DateTime, Utc};
use entity::{pod, run};
use protocol::{ExitCause, RankExit};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::grace::Graces;
use super::order::order;
use crate::app::App;
use crate::auth::{Action, Actor, AgentActor, Target, require};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::{Tx, exactly_one};

/// What an agent says of its rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankReport {
    /// Logical length of the log in bytes.
    pub log_end: i64,
    /// Whether the user's command was started.
    pub started: bool,
    /// How far it came with giving way, if it was asked to or asked for it itself.
    pub suspend: Option<pod::Suspend>,
    /// How it ended, once it has.
    pub exit: Option<RankExit>,
}

/// An agent is at the gate, or back. Answers what is wanted of it.
///
/// # Errors
/// [`Error::Forbidden`] for anybody but the rank's agent, [`Error::Unsupported`] for an agent of another age.
pub async fn register(
    tx: &mut Tx,
    actor: &Actor,
    protocol_version: u32,
    graces: &Graces,
) -> Result<protocol::Order> {
    let (agent, run, pod) = of_agent(tx, actor).await?;
    if !(protocol::PROTOCOL_VERSION - 1..=protocol::PROTOCOL_VERSION).contains(&protocol_version) {
        return Err(Error::Unsupported(format!(
            "the agent speaks version {protocol_version} of the protocol, this server {}",
            protocol::PROTOCOL_VERSION
        )));
    }
    if is_over(pod.state) {
        // The platform has already given this rank up: whatever is left of it must go.
        return Ok(protocol::Order::OVER);
    }
    if pod.state == pod::State::Created {
        update(tx, &pod, |row| {
            row.state = pod::State::Registered;
            row.missing_since = None;
        })
        .await?;
        tx.wake(Event::Run(agent.task, agent.run));
    }
    Ok(order(&run, tx.now(), graces))
}

/// An agent reports on its rank. Repeating a report changes nothing. Most say only that the log grew: these are not
/// written anywhere and wait for no writer.
///
/// # Errors
/// [`Error::Forbidden`] for anybody but the rank's agent, [`Error::Conflict`] if somebody else was faster.
pub async fn take_report(app: &App, actor: &Actor, report: &RankReport) -> Result<()> {
    let agent = reporter(actor)?;
    let pod = find_pod(app.reader(), agent).await?;
    if after_report(&pod, report, app.now()).is_none() {
        app.events.publish(Event::Log(agent.task, agent.rank));
        return Ok(());
    }
    let mut tx = app.begin().await?;
    self::report(&mut tx, actor, report).await?;
    tx.commit().await
}

/// The same as part of a write.
///
/// # Errors
/// As for [`take_report`].
pub async fn report(tx: &mut Tx, actor: &Actor, report: &RankReport) -> Result<()> {
    let (agent, _, pod) = of_agent(tx, actor).await?;
    tx.wake(Event::Log(agent.task, agent.rank));
    if apply(tx, &pod, report).await? {
        tx.wake(Event::Run(agent.task, agent.run));
    }
    Ok(())
}

/// Writes what became of a rank. Says whether anything changed.
pub(crate) async fn apply(tx: &Tx, pod: &pod::Model, report: &RankReport) -> Result<bool> {
    let Some(row) = after_report(pod, report, tx.now()) else {
        return Ok(false);
    };
    update(tx, pod, |pod| *pod = row).await?;
    Ok(true)
}

/// What a report makes of a rank, if anything; terminal states are frozen.
fn after_report(pod: &pod::Model, report: &RankReport, now: DateTime<Utc>) -> Option<pod::Model> {
    if is_over(pod.state) {
        return None;
    }
    let mut row = pod.clone();
    // It only ever gets further: received, ready, forced.
    row.suspend = furthest(row.suspend, report.suspend);
    if report.started && row.state != pod::State::Running {
        row.state = pod::State::Running;
        row.started_at = Some(now);
        row.missing_since = None;
    }
    if let Some(exit) = &report.exit {
        end(&mut row, exit, now);
        row.log_end = Some(report.log_end);
    }
    (row != *pod).then_some(row)
}

/// The end of a rank, as the agent recorded it.
fn end(row: &mut pod::Model, exit: &RankExit, now: DateTime<Utc>) {
    let code = exit.code.or(exit.signal.map(|signal| 128 + signal));
    row.state = match exit.cause {
        ExitCause::Command if code == Some(0) => pod::State::Succeeded,
        ExitCause::Command | ExitCause::Silence | ExitCause::StartFailed => pod::State::Failed,
        ExitCause::Stopped | ExitCause::Suspended => pod::State::Stopped,
    };
    row.suspend = furthest(row.suspend, exit.suspend.and_then(came_to));
    row.ended_at = Some(now);
    row.exit_code = code;
    row.message = exit.message.clone().or(exit
        .signal
        .filter(|_| exit.cause == ExitCause::Command)
        .map(|signal| format!("killed by signal {signal}")));
    row.missing_since = None;
    row.silent = exit.cause == ExitCause::Silence;
}

/// How far a suspension came, as the agent recorded it.
fn came_to(end: protocol::SuspendEnd) -> Option<pod::Suspend> {
    if end.forced {
        Some(pod::Suspend::Forced)
    } else if end.ready {
        Some(pod::Suspend::Ready)
    } else if end.acknowledged {
        Some(pod::Suspend::Received)
    } else {
        None
    }
}

fn furthest(one: Option<pod::Suspend>, other: Option<pod::Suspend>) -> Option<pod::Suspend> {
    let rank = |suspend: &Option<pod::Suspend>| match suspend {
        None => 0,
        Some(pod::Suspend::Received) => 1,
        Some(pod::Suspend::Ready) => 2,
        Some(pod::Suspend::Forced) => 3,
    };
    [one, other].into_iter().max_by_key(rank).flatten()
}

/// Whether a pod's state is final.
pub fn is_over(state: pod::State) -> bool {
    match state {
        pod::State::Created | pod::State::Registered | pod::State::Running => false,
        pod::State::Succeeded | pod::State::Failed | pod::State::Stopped | pod::State::Lost => true,
    }
}

/// Compare-and-set on a pod.
pub(super) async fn update(
    tx: &Tx,
    pod: &pod::Model,
    change: impl FnOnce(&mut pod::Model),
) -> Result<()> {
    let mut row = pod.clone();
    change(&mut row);
    let result = pod::Entity::update_many()
        .col_expr(pod::Column::State, Expr::value(row.state))
        .col_expr(pod::Column::StartedAt, Expr::value(row.started_at))
        .col_expr(pod::Column::EndedAt, Expr::value(row.ended_at))
        .col_expr(pod::Column::ExitCode, Expr::value(row.exit_code))
        .col_expr(pod::Column::Message, Expr::value(row.message))
        .col_expr(pod::Column::Suspend, Expr::value(row.suspend))
        .col_expr(pod::Column::Silent, Expr::value(row.silent))
        .col_expr(pod::Column::LogEnd, Expr::value(row.log_end))
        .col_expr(pod::Column::MissingSince, Expr::value(row.missing_since))
        .col_expr(pod::Column::ReleasedAt, Expr::value(row.released_at))
        .col_expr(pod::Column::Version, Expr::value(pod.version + 1))
        .filter(pod::Column::Id.eq(pod.id))
        .filter(pod::Column::Version.eq(pod.version))
        .exec(tx.db())
        .await?;
    exactly_one(result.rows_affected, "the pod")
}

/// The agent's run and pod.
pub(super) async fn of_agent<'a>(
    tx: &Tx,
    actor: &'a Actor,
) -> Result<(&'a AgentActor, run::Model, pod::Model)> {
    let agent = reporter(actor)?;
    let run = run::Entity::find_by_id(agent.run)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("run", agent.run))?;
    let pod = find_pod(tx.db(), agent).await?;
    Ok((agent, run, pod))
}

/// The agent, if it is one.
fn reporter(actor: &Actor) -> Result<&AgentActor> {
    require(actor, Action::ReportRank, Target::Platform)?;
    actor.agent().ok_or(Error::Unauthenticated)
}

async fn find_pod(db: &impl ConnectionTrait, agent: &AgentActor) -> Result<pod::Model> {
    pod::Entity::find()
        .filter(pod::Column::RunId.eq(agent.run))
        .filter(pod::Column::Rank.eq(agent.rank))
        .one(db)
        .await?
        .ok_or_else(|| Error::not_found("rank", agent.rank))
}
