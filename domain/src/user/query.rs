//! Looks users up.

use entity::{UserId, user, user_group};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

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

/// Every group a user belongs to: the role's, `public`, the memberships, and the user's own name.
///
/// # Errors
/// If the database is away.
pub async fn groups_of(db: &impl ConnectionTrait, user: &User) -> Result<Vec<String>> {
    let memberships = user_group::Entity::find()
        .filter(user_group::Column::UserId.eq(user.id))
        .order_by_asc(user_group::Column::Name)
        .all(db)
        .await?;
    let mut groups = implied_groups(user);
    groups.extend(memberships.into_iter().map(|row| row.name));
    Ok(groups)
}

/// The groups that need no row.
pub(crate) fn implied_groups(user: &User) -> Vec<String> {
    let role = match user.role {
        Role::Internal => "internal",
        Role::External => "external",
    };
    vec![role.to_owned(), "public".to_owned(), user.name.clone()]
}
