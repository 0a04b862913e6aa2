//! Takes a node from the scheduler, and gives it back.

use entity::node_state::State;
use entity::run::DrainReason;
use entity::{host, occupancy, pod, run};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::NodeView;
use super::history::{Cause, keep};
use super::host::{found, view};
use super::sync::update_host;
use crate::app::App;
use crate::auth::{Action, Actor, Target, require};
use crate::error::{Error, Result};
use crate::run::{drain, set_message};
use crate::store::Tx;

/// Most characters of a reason.
const MOST_CHARS: usize = 500;

/// A node that is to get no new tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disable {
    /// Name of the node.
    pub name: String,
    /// Why.
    pub why: String,
    /// What becomes of the task that it has.
    pub running: Running,
}

/// What becomes of a task on a node that is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// It goes on.
    GoesOn,
    /// It is suspended, and goes on elsewhere.
    Moves,
}

/// Takes a node from the scheduler: nothing new starts on it.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators of nodes, [`Error::NotFound`], [`Error::Invalid`] names the field,
/// [`Error::Conflict`] if it is disabled already.
pub async fn disable(tx: &mut Tx, app: &App, actor: &Actor, input: Disable) -> Result<NodeView> {
    let by = administrator(actor)?;
    let why = input.why.trim();
    if why.is_empty() || why.chars().count() > MOST_CHARS {
        let reason = format!("must have 1 to {MOST_CHARS} characters");
        return Err(Error::invalid("why", reason));
    }
    let host = found(tx.db(), &input.name).await?;
    if let (Some(by), Some(why)) = (&host.disabled_by, &host.disabled_why) {
        let name = &host.name;
        return Err(Error::Conflict(format!(
            "node {name} is disabled already, by {by}: {why}"
        )));
    }
    let host = host::Model {
        disabled_at: Some(tx.now()),
        disabled_by: Some(by.clone()),
        disabled_why: Some(why.to_owned()),
        ..host
    };
    let host = update_host(tx, host).await?;
    let cause = Cause {
        by: Some(&by),
        why: Some(why),
    };
    keep(tx, &host.name, State::Disabled, cause).await?;
    if input.running == Running::Moves {
        clear(tx, app, &host.name).await?;
    }
    view(tx.db(), host).await
}

/// Names of the nodes that are taken from the scheduler.
///
/// # Errors
/// If the database is away.
pub(crate) async fn disabled(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let hosts = host::Entity::find()
        .filter(host::Column::DisabledAt.is_not_null())
        .all(db)
        .await?;
    Ok(hosts.into_iter().map(|host| host.name).collect())
}

/// Gives a node back to the scheduler.
///
/// # Errors
/// As [`disable`]; [`Error::Conflict`] if it is not disabled.
pub async fn enable(tx: &mut Tx, actor: &Actor, name: &str) -> Result<NodeView> {
    let by = administrator(actor)?;
    let host = found(tx.db(), name).await?;
    if host.disabled_at.is_none() {
        return Err(Error::Conflict(format!("node {name} is not disabled")));
    }
    let host = host::Model {
        disabled_at: None,
        disabled_by: None,
        disabled_why: None,
        ..host
    };
    let host = update_host(tx, host).await?;
    let cause = Cause {
        by: Some(&by),
        why: None,
    };
    keep(tx, &host.name, State::Enabled, cause).await?;
    view(tx.db(), host).await
}

/// The name of whoever may change nodes.
pub(super) fn administrator(actor: &Actor) -> Result<String> {
    require(actor, Action::ManageNodes, Target::Platform)?;
    let user = actor.user().ok_or(Error::Unauthenticated)?;
    Ok(user.name.clone())
}

/// Suspends the run that holds a node. Once a rank has succeeded the others are about to: then it ends by itself.
async fn clear(tx: &mut Tx, app: &App, node: &str) -> Result<()> {
    let db = tx.db();
    let holder = occupancy::Entity::find_by_id(node).one(db).await?;
    let Some(run_id) = holder.and_then(|row| row.run_id) else {
        return Ok(());
    };
    let run = run::Entity::find_by_id(run_id).one(db).await?;
    let Some(run) =
        run.filter(|run| matches!(run.state, run::State::Starting | run::State::Running))
    else {
        return Ok(());
    };
    let pods = pod::Entity::find()
        .filter(pod::Column::RunId.eq(run.id))
        .all(db)
        .await?;
    if pods.iter().any(|pod| pod.state == pod::State::Succeeded) {
        return Ok(());
    }
    let graces = &app.settings.graces;
    let run = drain(tx, &run, DrainReason::Suspend, graces).await?;
    let message = format!("it gives way because {node} was disabled");
    set_message(tx, &run, &message).await
}
