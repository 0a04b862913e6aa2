//! Looks environments up.

use chrono::{DateTime, Utc};
use entity::{environment, environment_grant, resource_quota};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Environment, Grant, granted};
use crate::auth::UserActor;
use crate::error::Result;
use crate::quota::Resource;

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

/// Everything that is granted to these owners: by grants, and by quotas `train_environment:NAME`.
///
/// # Errors
/// If the database is away.
pub(crate) async fn grants(
    db: &impl ConnectionTrait,
    owners: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<Vec<Grant>> {
    let owners: Vec<String> = owners
        .into_iter()
        .map(|it| it.as_ref().to_owned())
        .collect();
    let mut grants = environment_grant::Entity::find()
        .filter(environment_grant::Column::Owner.is_in(&owners))
        .all(db)
        .await?;
    let prefix = Resource::TrainEnvironment(String::new()).to_string();
    let quotas = resource_quota::Entity::find()
        .filter(resource_quota::Column::Owner.is_in(&owners))
        .filter(resource_quota::Column::Resource.starts_with(&prefix))
        .all(db)
        .await?;
    grants.extend(quotas.into_iter().filter_map(|quota| {
        Some(Grant {
            environment: quota.resource.strip_prefix(&prefix)?.to_owned(),
            owner: quota.owner,
            value: quota.amount,
            expires_at: quota.expires_at,
        })
    }));
    Ok(grants)
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
