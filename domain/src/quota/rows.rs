//! Quota rows and users as the planner wants them.

use std::collections::{BTreeMap, BTreeSet};

use entity::{UserId, quota, user, user_group};
use scheduler::{Owner, QuotaKind, UserGroup, UserName};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::error::Result;
use crate::user::implied_groups;

/// All quota rows; an owner that is the name of a user is that user.
pub(crate) async fn load_rows(db: &impl ConnectionTrait) -> Result<Vec<scheduler::Quota>> {
    let rows = quota::Entity::find().all(db).await?;
    let owners: BTreeSet<&str> = rows.iter().map(|row| row.owner.as_str()).collect();
    let users: BTreeSet<String> = user::Entity::find()
        .filter(user::Column::Name.is_in(owners))
        .all(db)
        .await?
        .into_iter()
        .map(|user| user.name)
        .collect();
    Ok(rows
        .into_iter()
        .map(|row| scheduler::Quota {
            owner: if users.contains(&row.owner) {
                Owner::User(UserName(row.owner))
            } else {
                Owner::Group(UserGroup(row.owner))
            },
            group: scheduler::GroupName(row.group_name),
            kind: match row.kind {
                quota::Kind::Grant => QuotaKind::Grant,
                quota::Kind::Ceiling => QuotaKind::Ceiling,
            },
            tag: row.tag,
            level: row.level,
            nodes: row.nodes.into(),
            expires_at: row.expires_at.map(|end| end.timestamp_millis()),
        })
        .collect())
}

/// Some users with all the groups whose rows count for them.
pub(crate) async fn planner_users(
    db: &impl ConnectionTrait,
    ids: &[UserId],
) -> Result<BTreeMap<UserId, scheduler::User>> {
    let users = user::Entity::find()
        .filter(user::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let mut result: BTreeMap<UserId, scheduler::User> = users
        .iter()
        .map(|user| {
            let groups = implied_groups(&user.name, user.role)
                .into_iter()
                .map(UserGroup)
                .collect();
            let row = scheduler::User {
                name: UserName(user.name.clone()),
                groups,
                active: user.active,
            };
            (user.id, row)
        })
        .collect();
    let memberships = user_group::Entity::find()
        .filter(user_group::Column::UserId.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    for membership in memberships {
        if let Some(user) = result.get_mut(&membership.user_id) {
            user.groups.push(UserGroup(membership.name));
        }
    }
    Ok(result)
}
