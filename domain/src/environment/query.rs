//! Looks environments up.

use chrono::{DateTime, Utc};
use entity::{environment, environment_grant};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Environment, granted};
use crate::auth::UserActor;
use crate::error::Result;

/// The names of all environments, in order.
///
/// # Errors
/// If the database is away.
pub async fn names(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    Ok(environment::Entity::find()
        .select_only()
        .column(environment::Column::Name)
        .order_by_asc(environment::Column::Name)
        .into_tuple()
        .all(db)
        .await?)
}

/// The environments that a user may use, each with its value; the first is the user's default.
///
/// # Errors
/// If the database is away.
pub async fn usable(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    user: &UserActor,
) -> Result<Vec<(Environment, i64)>> {
    let grants = environment_grant::Entity::find()
        .filter(environment_grant::Column::Owner.is_in(&user.groups))
        .all(db)
        .await?;
    let granted = granted(&grants, &user.name, now);
    let names = granted.iter().map(|(name, _)| name);
    let mut there = environment::Entity::find()
        .filter(environment::Column::Name.is_in(names))
        .all(db)
        .await?;
    let found = granted.iter().filter_map(|(name, value)| {
        let place = there.iter().position(|row| row.name == *name)?;
        Some((there.swap_remove(place), *value))
    });
    Ok(found.collect())
}
