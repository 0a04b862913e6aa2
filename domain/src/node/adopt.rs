//! Takes over a machine from another inventory, if it is not known yet.

use entity::{Words, host};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::path::last_part;
use super::{GPUS, GROUP, ZONE};
use crate::error::Result;
use crate::events::Event;
use crate::store::Tx;

/// A machine as an administrator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewHost {
    /// The runtime's name of the node.
    pub(crate) name: String,
    /// Where its node group stands in the tree of groups, with dots.
    pub(crate) group: String,
    /// Zone within the group.
    pub(crate) zone: Option<String>,
    /// Accelerators.
    pub(crate) gpus: i32,
    /// What kind of machine it is; absent: `gpu`.
    pub(crate) kind: Option<String>,
    /// What it is for; absent: `training`.
    pub(crate) purpose: Option<String>,
    /// Where it stands.
    pub(crate) room: Option<String>,
    /// Words about it.
    pub(crate) flags: Vec<String>,
}

/// Adds a host without asking who wants it. Answers whether it is new; one that is there stays as it is.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn adopt(tx: &mut Tx, new: NewHost) -> Result<bool> {
    let known = host::Entity::find_by_id(new.name.clone());
    if known.one(tx.db()).await?.is_some() {
        return Ok(false);
    }
    host::Entity::insert(row(new).into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await?;
    tx.wake(Event::Nodes);
    Ok(true)
}

/// The row of it. What the runtime will report of its own is left open.
fn row(new: NewHost) -> host::Model {
    let mut pinned = vec![GROUP.to_owned(), GPUS.to_owned()];
    pinned.extend(new.zone.as_ref().map(|_| ZONE.to_owned()));
    host::Model {
        group_name: last_part(&new.group).to_owned(),
        group_path: Some(new.group),
        name: new.name,
        zone: new.zone,
        cpus: 0,
        memory_bytes: 0,
        gpus: new.gpus,
        kind: new.kind.unwrap_or_else(|| super::KIND.to_owned()),
        purpose: new.purpose.unwrap_or_else(|| super::PURPOSE.to_owned()),
        room: new.room,
        flags: Words(new.flags),
        spine: None,
        leaf: None,
        pinned: Words(pinned),
        disabled_at: None,
        disabled_by: None,
        disabled_why: None,
        removed_at: None,
        version: 0,
    }
}
