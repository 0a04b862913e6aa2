//! Adds an environment that is not there yet.

use entity::environment;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::Environment;
use crate::error::Result;
use crate::store::Tx;

/// Adds an environment without asking who wants it. Answers whether it is new; one that is there stays as it is.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn add(tx: &Tx, row: Environment) -> Result<bool> {
    let known = environment::Entity::find_by_id(row.name.clone());
    if known.one(tx.db()).await?.is_some() {
        return Ok(false);
    }
    environment::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await?;
    Ok(true)
}
