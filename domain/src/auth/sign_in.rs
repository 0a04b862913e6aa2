//! From a bearer token to the actor.

use chrono::{DateTime, Utc};
use entity::{access_token, user};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect};

use super::token::hash;
use super::{Actor, Scope, UserActor};
use crate::error::{Error, Result};
use crate::user::groups_of;

/// Who owns this token of a user.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token is unknown, expired or revoked, or its user inactive.
pub async fn sign_in(db: &impl ConnectionTrait, now: DateTime<Utc>, token: &str) -> Result<Actor> {
    // One statement, because every request waits for it.
    let owner = access_token::Entity::belongs_to(user::Entity)
        .from(access_token::Column::UserId)
        .to(user::Column::Id);
    let (_, user) = access_token::Entity::find()
        .filter(access_token::Column::Hash.eq(hash(token)))
        .join(JoinType::InnerJoin, owner.into())
        .select_also(user::Entity)
        .one(db)
        .await?
        .filter(|(row, _)| row.revoked_at.is_none())
        .filter(|(row, _)| row.expires_at.is_none_or(|end| now < end))
        .ok_or(Error::Unauthenticated)?;
    let user = user
        .filter(|user| user.active)
        .ok_or(Error::Unauthenticated)?;
    let groups = groups_of(db, &user).await?;
    Ok(Actor::User(UserActor {
        id: user.id,
        holder: user.name.clone(),
        scope: Scope::All,
        name: user.name,
        role: user.role,
        groups,
    }))
}
