//! Sets a quota row.

use chrono::{DateTime, Utc};
use entity::{host, quota, user, user_group};
use scheduler::Level;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, NotSet, PaginatorTrait, QueryFilter};

use super::Quota;
use crate::auth::{Action, Actor, Target, require};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::store::Tx;

/// What is granted to whom.
#[derive(Debug, Clone)]
pub struct SetQuota {
    /// Name of a user or of a user group; `public`, `internal` and `external` are groups.
    pub owner: String,
    /// Node group.
    pub group: String,
    /// Priority level.
    pub level: Level,
    /// Nodes at the same time; 0 denies.
    pub nodes: i32,
    /// When the row stops to count.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Sets the grant of an owner in a group at a level, whether there was one or not.
///
/// # Errors
/// [`Error::Invalid`] names the field, [`Error::Forbidden`] if the actor may not.
pub async fn set(tx: &mut Tx, actor: &Actor, input: SetQuota) -> Result<Quota> {
    require(actor, Action::SetQuota, Target::Platform)?;
    let problems = check(tx, &input).await?;
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    insert(tx, input).await
}

/// Sets a row without asking who wants it: for the start of the platform.
pub(crate) async fn insert(tx: &mut Tx, input: SetQuota) -> Result<Quota> {
    let row = quota::ActiveModel {
        id: NotSet,
        owner: Set(input.owner.clone()),
        kind: Set(quota::Kind::Grant),
        group_name: Set(input.group.clone()),
        level: Set(input.level.value()),
        nodes: Set(input.nodes),
        expires_at: Set(input.expires_at),
        version: Set(0),
    };
    let conflict = OnConflict::columns([
        quota::Column::Owner,
        quota::Column::Kind,
        quota::Column::GroupName,
        quota::Column::Level,
    ])
    .update_columns([quota::Column::Nodes, quota::Column::ExpiresAt])
    .value(
        quota::Column::Version,
        Expr::col((quota::Entity, quota::Column::Version)).add(1),
    )
    .to_owned();
    quota::Entity::insert(row)
        .on_conflict(conflict)
        .exec_without_returning(tx.db())
        .await?;
    tx.wake(Event::Quotas);
    quota::Entity::find()
        .filter(quota::Column::Owner.eq(&input.owner))
        .filter(quota::Column::Kind.eq(quota::Kind::Grant))
        .filter(quota::Column::GroupName.eq(&input.group))
        .filter(quota::Column::Level.eq(input.level.value()))
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::internal("the quota row that was just written is not there"))
}

async fn check(tx: &Tx, input: &SetQuota) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| {
        problems.push(Problem {
            field: field.to_owned(),
            reason,
        });
    };
    if input.nodes < 0 {
        wrong("nodes", "must not be negative".to_owned());
    }
    if input.expires_at.is_some_and(|end| end <= tx.now()) {
        wrong("expiresAt", "is in the past".to_owned());
    }
    let group_is_known = host::Entity::find()
        .filter(host::Column::GroupName.eq(&input.group))
        .count(tx.db())
        .await?
        > 0;
    if !group_is_known {
        wrong("group", format!("there is no node group {}", input.group));
    }
    if !owner_is_known(tx, &input.owner).await? {
        wrong(
            "owner",
            format!("there is no user or user group {}", input.owner),
        );
    }
    Ok(problems)
}

async fn owner_is_known(tx: &Tx, owner: &str) -> Result<bool> {
    if ["public", "internal", "external"].contains(&owner) {
        return Ok(true);
    }
    let users = user::Entity::find().filter(user::Column::Name.eq(owner));
    let groups = user_group::Entity::find().filter(user_group::Column::Name.eq(owner));
    Ok(users.count(tx.db()).await? > 0 || groups.count(tx.db()).await? > 0)
}
