//! From a bearer token to the actor.

use chrono::{DateTime, Utc};
use entity::{access_token, user};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::token::hash;
use super::{Actor, UserActor};
use crate::error::{Error, Result};
use crate::user::groups_of;

/// Who owns this token of a user.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token is unknown, expired or revoked, or its user inactive.
pub async fn sign_in(db: &impl ConnectionTrait, now: DateTime<Utc>, token: &str) -> Result<Actor> {
    let row = access_token::Entity::find()
        .filter(access_token::Column::Hash.eq(hash(token)))
        .one(db)
        .await?
        .filter(|row| row.revoked_at.is_none())
        .filter(|row| row.expires_at.is_none_or(|end| now < end))
        .ok_or(Error::Unauthenticated)?;
    let user = user::Entity::find_by_id(row.user_id)
        .one(db)
        .await?
        .filter(|user| user.active)
        .ok_or(Error::Unauthenticated)?;
    let groups = groups_of(db, &user).await?;
    Ok(Actor::User(UserActor {
        id: user.id,
        name: user.name,
        role: user.role,
        groups,
    }))
}
