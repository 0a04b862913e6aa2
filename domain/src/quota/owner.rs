//! Whose quota it is, and so who may set it.

use entity::user::{self, Role};
use entity::{shared_group_group, user_group};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::auth::{Action, Actor, Target, may, require};
use crate::error::{Error, Result};
use crate::user::find_by_name;

/// Whose quota it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// A user.
    User(Role),
    /// All guests: the group `external`.
    Guests,
    /// Any other user group.
    Group,
}

impl Owner {
    /// Whether the rules for guests hold.
    pub(super) fn is_external(self) -> bool {
        matches!(self, Self::User(Role::External) | Self::Guests)
    }
}

/// Lets nobody by who may not set the quotas of an owner.
///
/// # Errors
/// [`Error::Forbidden`], and [`Error::Invalid`] if there is no such owner.
pub(super) async fn permit(db: &impl ConnectionTrait, actor: &Actor, name: &str) -> Result<Owner> {
    require(actor, Action::SetExternalQuota, Target::Platform)?;
    if !may(actor, Action::SetQuota, Target::Platform) {
        return guest(db, name).await;
    }
    let owner = find(db, name).await?;
    owner.ok_or_else(|| Error::invalid("owner", format!("there is no user or user group {name}")))
}

/// A guest, or all of them, for whoever may set the quotas of these only: everybody else does not exist for him.
async fn guest(db: &impl ConnectionTrait, name: &str) -> Result<Owner> {
    if name == "external" {
        return Ok(Owner::Guests);
    }
    let user = find_by_name(db, name).await?;
    let guest = user.filter(|user| user.role == Role::External);
    let owner = guest.map(|user| Owner::User(user.role));
    owner.ok_or_else(|| {
        let reason = format!("you may set the quotas of guests only, and {name} is none");
        Error::Forbidden(reason)
    })
}

/// Whether there is such a user or user group.
///
/// # Errors
/// If the database is away.
pub(crate) async fn is_known_owner(db: &impl ConnectionTrait, name: &str) -> Result<bool> {
    Ok(find(db, name).await?.is_some())
}

async fn find(db: &impl ConnectionTrait, name: &str) -> Result<Option<Owner>> {
    match name {
        "external" => return Ok(Some(Owner::Guests)),
        "public" | "internal" => return Ok(Some(Owner::Group)),
        _ => {}
    }
    if let Some(user) = find_by_name(db, name).await? {
        return Ok(Some(Owner::User(user.role)));
    }
    let members = user_group::Entity::find().filter(user_group::Column::Name.eq(name));
    let teams =
        shared_group_group::Entity::find().filter(shared_group_group::Column::Name.eq(name));
    let is_group = members.count(db).await? > 0 || teams.count(db).await? > 0;
    Ok(is_group.then_some(Owner::Group))
}

/// Names of all owners for whom the rules for guests hold.
pub(super) async fn external(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let guests = user::Entity::find().filter(user::Column::Role.eq(Role::External));
    let guests = guests.all(db).await?.into_iter().map(|user| user.name);
    Ok(guests.chain(["external".to_owned()]).collect())
}
