//! The groups of many users at once.

use std::collections::{BTreeMap, BTreeSet};

use entity::{UserId, shared_group_group, user, user_group};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::implied_groups;
use crate::error::Result;

/// Every group that each of these users belongs to: those that need no row, the memberships, and those of the
/// team. Users that do not exist are left out.
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
    let own = user_group::Entity::find()
        .filter(user_group::Column::UserId.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let teams: BTreeSet<&str> = users
        .iter()
        .map(|user| user.shared_group.as_str())
        .collect();
    let of_teams = shared_group_group::Entity::find()
        .filter(shared_group_group::Column::SharedGroup.is_in(teams))
        .all(db)
        .await?;
    let all_of = |user: user::Model| {
        let own = own.iter().filter(|row| row.user_id == user.id);
        let of_team = of_teams
            .iter()
            .filter(|row| row.shared_group == user.shared_group);
        let given: BTreeSet<&String> = own
            .map(|row| &row.name)
            .chain(of_team.map(|row| &row.name))
            .collect();
        let mut groups = implied_groups(&user.name, user.role);
        groups.extend(given.into_iter().cloned());
        (user.id, groups)
    };
    Ok(users.into_iter().map(all_of).collect())
}
