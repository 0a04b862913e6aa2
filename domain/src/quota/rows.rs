//! Quota rows and users as the planner wants them.

use std::collections::{BTreeMap, BTreeSet};

use entity::{UserId, quota, user};
use scheduler::{Owner, QuotaKind, UserGroup, UserName};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::error::Result;
use crate::user::groups_of_all;

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
    let mut groups = groups_of_all(db, ids).await?;
    let planned = |user: user::Model| {
        let groups = groups.remove(&user.id).unwrap_or_default();
        let row = scheduler::User {
            name: UserName(user.name),
            groups: groups.into_iter().map(UserGroup).collect(),
            active: user.active,
        };
        (user.id, row)
    };
    Ok(users.into_iter().map(planned).collect())
}
