//! The groups of many users at once.

use std::collections::BTreeMap;

use entity::{UserId, user, user_group};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::implied_groups;
use crate::error::Result;

/// Every group that each of these users belongs to: those that need no row, and the memberships. Users that do not exist
/// are left out.
///
/// # Errors
/// If the database is away.
pub async fn groups_of_all(
    db: &impl ConnectionTrait,
    ids: &[UserId],
) -> Result<BTreeMap<UserId, Vec<String>>> {
    let users = user::Entity::find()
        .filter(user::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let mut groups: BTreeMap<UserId, Vec<String>> = users
        .iter()
        .map(|user| (user.id, implied_groups(&user.name, user.role)))
        .collect();
    let memberships = user_group::Entity::find()
        .filter(user_group::Column::UserId.is_in(ids.iter().copied()))
        .order_by_asc(user_group::Column::Name)
        .all(db)
        .await?;
    for membership in memberships {
        if let Some(groups) = groups.get_mut(&membership.user_id) {
            groups.push(membership.name);
        }
    }
    Ok(groups)
}
