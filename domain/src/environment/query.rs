//! Looks environments up.

use chrono::{DateTime, Utc};
use entity::environment;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
};

use super::{Environment, Grant, granted};
use crate::auth::UserActor;
use crate::error::Result;
use crate::quota::Resource;

/// The names of all environments, in order.
///
/// # Errors
/// If the database is away.
pub(crate) async fn names(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    Ok(environment::Entity::find()
        .select_only()
        .column(environment::Column::Name)
        .order_by_asc(environment::Column::Name)
        .into_tuple()
        .all(db)
        .await?)
}

/// Everything that is granted to these owners: by grants, and by quotas `train_environment:NAME`.
///
/// # Errors
/// If the database is away.
pub(crate) async fn grants(
    db: &impl ConnectionTrait,
    owners: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<Vec<Grant>> {
    let owners = owners.into_iter().map(|it| it.as_ref().to_owned());
    let owners: serde_json::Value = owners.collect();
    let prefix = Resource::TrainEnvironment(String::new()).to_string();
    let backend = db.get_database_backend();
    let values = [Value::from(owners), Value::from(prefix)];
    let grants = Statement::from_sql_and_values(backend, granted_to(backend), values);
    Ok(Grant::find_by_statement(grants).all(db).await?)
}

/// The same statement for any number of owners: every submit waits for it.
fn granted_to(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "WITH asked AS (SELECT jsonb_array_elements_text($1) AS owner)
             SELECT owner, environment, value, expires_at FROM environment_grant WHERE owner IN (SELECT owner FROM asked)
             UNION ALL
             SELECT owner, substr(resource, length($2::text) + 1), amount, expires_at FROM resource_quota
             WHERE owner IN (SELECT owner FROM asked) AND substr(resource, 1, length($2::text)) = $2::text"
        }
        _ => {
            "WITH asked AS (SELECT value AS owner FROM json_each(?1))
             SELECT owner, environment, value, expires_at FROM environment_grant WHERE owner IN (SELECT owner FROM asked)
             UNION ALL
             SELECT owner, substr(resource, length(?2) + 1), amount, expires_at FROM resource_quota
             WHERE owner IN (SELECT owner FROM asked) AND substr(resource, 1, length(?2)) = ?2"
        }
    }
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
    let grants = grants(db, &user.groups).await?;
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
