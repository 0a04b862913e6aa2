//! Looks users up.

use entity::{UserId, user};
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{Role, User};
use crate::error::{Error, Result};

/// The user of this name, if there is one.
///
/// # Errors
/// If the database is away.
pub async fn find_by_name(db: &impl ConnectionTrait, name: &str) -> Result<Option<User>> {
    Ok(user::Entity::find()
        .filter(user::Column::Name.eq(name))
        .one(db)
        .await?)
}

/// The user whose processes have this uid, if there is one.
///
/// # Errors
/// If the database is away.
pub(crate) async fn find_by_uid(db: &impl ConnectionTrait, uid: i64) -> Result<Option<User>> {
    Ok(user::Entity::find()
        .filter(user::Column::Uid.eq(uid))
        .one(db)
        .await?)
}

/// The number of the user of this name, for a condition of another statement.
pub(crate) fn named(name: &str) -> SelectStatement {
    Query::select()
        .column(user::Column::Id)
        .from(user::Entity)
        .and_where(user::Column::Name.eq(name))
        .take()
}

/// The user of this number.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(db: &impl ConnectionTrait, id: UserId) -> Result<User> {
    user::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or_else(|| Error::not_found("user", id))
}

/// The users of these numbers, in no particular order.
///
/// # Errors
/// If the database is away.
pub async fn load(db: &impl ConnectionTrait, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(user::Entity::find()
        .filter(user::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?)
}

/// The groups of a user that need no row: the role's, `public`, and the user's own name.
pub(crate) fn implied_groups(name: &str, role: Role) -> Vec<String> {
    let role = match role {
        Role::Internal => "internal",
        Role::External => "external",
    };
    vec![role.to_owned(), "public".to_owned(), name.to_owned()]
}
