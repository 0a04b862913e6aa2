//! The inventory: which hosts there should be, and what administrators say of them.

use entity::node_state::State;
use entity::{Words, host, node, occupancy, reservation};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};

use super::check::Facts;
use super::enable::administrator;
use super::history::{Cause, keep};
use super::path::last_part;
use super::query::{hosts, views};
use super::sync::update_host;
use super::{GPUS, GROUP, KIND, NodeView, PURPOSE, Status, ZONE};
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::Tx;

/// What is to become of a fact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays.
    #[default]
    Keep,
    /// Nobody says it any more.
    Clear,
    /// It is this.
    Set(T),
}

/// What an administrator says of a host; what he does not name stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Describe {
    /// Where its group stands in the tree of groups, with dots; cleared, what the runtime says counts.
    pub group: Patch<String>,
    /// Zone within the group; cleared, what the runtime says counts.
    pub zone: Patch<String>,
    /// Accelerators; cleared, what the runtime says counts.
    pub gpus: Patch<i32>,
    /// What kind of machine it is.
    pub kind: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// Where it stands.
    pub room: Patch<String>,
    /// All flags.
    pub flags: Option<Vec<String>>,
    /// Switch that joins leaves.
    pub spine: Patch<String>,
    /// Switch that it hangs on.
    pub leaf: Patch<String>,
}

/// Takes a host into the inventory, before the runtime reports it.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators of nodes, [`Error::Invalid`] names the field, [`Error::Conflict`] if
/// there is one of that name.
pub async fn create(
    tx: &mut Tx,
    actor: &Actor,
    name: &str,
    description: Describe,
) -> Result<NodeView> {
    administrator(actor)?;
    let mut facts = Facts::default();
    facts.name(name);
    if description.group == Patch::Keep {
        facts.wrong("group", "is needed");
    }
    facts.description(&description);
    facts.end()?;
    let known = host::Entity::find_by_id(name).one(tx.db()).await?;
    if known.as_ref().is_some_and(|host| host.removed_at.is_none()) {
        return Err(Error::Conflict(format!("there is a node {name} already")));
    }
    let mut fresh = host::Model {
        name: name.to_owned(),
        group_name: String::new(),
        zone: None,
        cpus: known.as_ref().map_or(0, |host| host.cpus),
        memory_bytes: known.as_ref().map_or(0, |host| host.memory_bytes),
        gpus: 0,
        kind: KIND.to_owned(),
        purpose: PURPOSE.to_owned(),
        group_path: None,
        room: None,
        flags: Words::default(),
        spine: None,
        leaf: None,
        pinned: Words::default(),
        disabled_at: None,
        disabled_by: None,
        disabled_why: None,
        removed_at: None,
        version: known.as_ref().map_or(0, |host| host.version),
    };
    apply(&mut fresh, description);
    let host = match known {
        Some(_) => update_host(tx, fresh).await?,
        None => {
            let row = fresh.clone().into_active_model().reset_all();
            host::Entity::insert(row)
                .exec_without_returning(tx.db())
                .await?;
            tx.wake(Event::Nodes);
            fresh
        }
    };
    view(tx.db(), host).await
}

/// Changes what is said of a host.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators of nodes, [`Error::NotFound`], [`Error::Invalid`] names the field.
pub async fn update(
    tx: &mut Tx,
    actor: &Actor,
    name: &str,
    description: Describe,
) -> Result<NodeView> {
    administrator(actor)?;
    let mut facts = Facts::default();
    facts.description(&description);
    facts.end()?;
    let mut host = found(tx.db(), name).await?;
    if description.group == Patch::Clear && status(tx.db(), name).await?.is_none() {
        let reason = "is needed: the runtime has never reported this host";
        return Err(Error::invalid("group", reason));
    }
    apply(&mut host, description);
    let host = update_host(tx, host).await?;
    view(tx.db(), host).await
}

/// Takes a host out of the inventory. Answers it as it was.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators of nodes, [`Error::NotFound`], [`Error::Conflict`] while a task is on
/// it, or while the runtime reports that it can be used: it would be there again at once.
pub async fn delete(tx: &mut Tx, actor: &Actor, name: &str) -> Result<NodeView> {
    let by = administrator(actor)?;
    let host = found(tx.db(), name).await?;
    let holder = occupancy::Entity::find_by_id(name).one(tx.db()).await?;
    if holder.is_some_and(|row| row.run_id.is_some()) {
        let reason = format!("a task is on node {name}: disable the node, or stop the task, first");
        return Err(Error::Conflict(reason));
    }
    if status(tx.db(), name).await? == Some(Status::Ready) {
        return Err(Error::Conflict(format!(
            "the runtime reports that node {name} can be used: take it out there first, or disable it"
        )));
    }
    reservation::Entity::delete_many()
        .filter(reservation::Column::NodeName.eq(name))
        .exec(tx.db())
        .await?;
    let removed = host::Model {
        removed_at: Some(tx.now()),
        disabled_at: None,
        disabled_by: None,
        disabled_why: None,
        ..host.clone()
    };
    update_host(tx, removed).await?;
    let cause = Cause {
        by: Some(&by),
        why: None,
    };
    keep(tx, name, State::Removed, cause).await?;
    view(tx.db(), host).await
}

/// A host of the inventory.
pub(super) async fn found(db: &impl ConnectionTrait, name: &str) -> Result<host::Model> {
    let host = hosts().filter(host::Column::Name.eq(name)).one(db).await?;
    host.ok_or_else(|| Error::not_found("node", name.chars().take(100).collect::<String>()))
}

/// A host with what the runtime reports of it.
pub(super) async fn view(db: &impl ConnectionTrait, host: host::Model) -> Result<NodeView> {
    let view = views(db, vec![host]).await?.pop();
    view.ok_or_else(|| Error::internal("a host without a view"))
}

/// What the runtime reports of a node; absent if it never has.
async fn status(db: &impl ConnectionTrait, name: &str) -> Result<Option<Status>> {
    let node = node::Entity::find_by_id(name).one(db).await?;
    Ok(node.map(|node| node.status))
}

/// Writes what is said into a row, and notes what the runtime must not change any more.
fn apply(host: &mut host::Model, description: Describe) {
    let pinned = &mut host.pinned.0;
    pin(pinned, GROUP, &description.group);
    pin(pinned, ZONE, &description.zone);
    pin(pinned, GPUS, &description.gpus);
    if let Patch::Set(path) = description.group {
        host.group_name = last_part(&path).to_owned();
        host.group_path = Some(path);
    }
    if let Patch::Set(gpus) = description.gpus {
        host.gpus = gpus;
    }
    put(&mut host.zone, description.zone);
    put(&mut host.room, description.room);
    put(&mut host.spine, description.spine);
    put(&mut host.leaf, description.leaf);
    if let Some(kind) = description.kind {
        host.kind = kind;
    }
    if let Some(purpose) = description.purpose {
        host.purpose = purpose;
    }
    if let Some(flags) = description.flags {
        host.flags = Words(flags);
    }
}

fn pin<T>(pinned: &mut Vec<String>, fact: &str, patch: &Patch<T>) {
    if !matches!(patch, Patch::Keep) {
        pinned.retain(|it| it != fact);
    }
    if matches!(patch, Patch::Set(_)) {
        pinned.push(fact.to_owned());
    }
}

fn put(column: &mut Option<String>, patch: Patch<String>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => *column = None,
        Patch::Set(value) => *column = Some(value),
    }
}
