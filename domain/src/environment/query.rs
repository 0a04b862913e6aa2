//! Looks environments up.

use entity::environment;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, QuerySelect};

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
