//! Grants an environment.

use chrono::{DateTime, Utc};
use entity::environment_grant;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::error::Result;
use crate::store::Tx;

/// Sets what an owner is granted, whether there was a grant or not, without asking who wants it.
///
/// # Errors
/// If the database is away.
pub async fn grant(
    tx: &Tx,
    owner: &str,
    environment: &str,
    value: i64,
    expires_at: Option<DateTime<Utc>>,
) -> Result<()> {
    use environment_grant::Column::{Environment, ExpiresAt, Owner, Value};
    let row = environment_grant::ActiveModel {
        owner: Set(owner.to_owned()),
        environment: Set(environment.to_owned()),
        value: Set(value),
        expires_at: Set(expires_at),
    };
    let conflict = OnConflict::columns([Owner, Environment])
        .update_columns([Value, ExpiresAt])
        .to_owned();
    environment_grant::Entity::insert(row)
        .on_conflict(conflict)
        .exec_without_returning(tx.db())
        .await?;
    Ok(())
}
