//! Sets how many nodes may be held, or what no grant of them may exceed.

use chrono::{DateTime, Utc};
use entity::{host, quota};
use scheduler::Level;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, NotSet, PaginatorTrait, QueryFilter, Select,
};

use super::changes::{self, Change};
use super::owner::{Owner, permit};
use super::resource::checked_tag;
use super::{Kind, NodesOf, Quota, Resource};
use crate::auth::Actor;
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::node;
use crate::store::Tx;

/// What is granted to whom, or where it ends.
#[derive(Debug, Clone)]
pub struct SetQuota {
    /// Name of a user or of a user group; `public`, `internal` and `external` are groups.
    pub owner: String,
    /// A grant or a ceiling.
    pub kind: Kind,
    /// Tells ceilings of one owner apart; empty without.
    pub tag: String,
    /// Node group.
    pub group: String,
    /// Priority level.
    pub level: Level,
    /// Nodes at the same time; 0 denies.
    pub nodes: i32,
    /// When the row stops to count.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Sets the grant or the ceiling of an owner in a group at a level, whether there was one or not.
///
/// # Errors
/// [`Error::Invalid`] names the field, [`Error::Forbidden`] if the actor may not.
pub async fn set(tx: &mut Tx, actor: &Actor, input: SetQuota) -> Result<Quota> {
    let owner = permit(tx.db(), actor, &input.owner).await?;
    check(tx, owner, &input).await?;
    change(tx, actor, input).await
}

/// Sets a row that was checked, and notes who did.
pub(super) async fn change(tx: &mut Tx, actor: &Actor, input: SetQuota) -> Result<Quota> {
    let before = one(&input).one(tx.db()).await?;
    let row = insert(tx, input).await?;
    let change = Change {
        owner: row.owner.clone(),
        resource: resource(&row)?,
        before: before.map(|row| row.nodes.into()),
        after: Some(row.nodes.into()),
        expires_at: row.expires_at,
    };
    changes::note(tx, actor, change).await?;
    Ok(row)
}

/// Sets a row without asking who wants it: for the start of the platform.
pub(crate) async fn insert(tx: &mut Tx, input: SetQuota) -> Result<Quota> {
    let row = quota::ActiveModel {
        id: NotSet,
        owner: Set(input.owner.clone()),
        kind: Set(input.kind),
        tag: Set(input.tag.clone()),
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
        quota::Column::Tag,
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
    let row = one(&input).one(tx.db()).await?;
    row.ok_or_else(|| Error::internal("the quota row that was just written is not there"))
}

/// The one row that an input is about.
pub(super) fn one(input: &SetQuota) -> Select<quota::Entity> {
    quota::Entity::find()
        .filter(quota::Column::Owner.eq(&input.owner))
        .filter(quota::Column::Kind.eq(input.kind))
        .filter(quota::Column::Tag.eq(&input.tag))
        .filter(quota::Column::GroupName.eq(&input.group))
        .filter(quota::Column::Level.eq(input.level.value()))
}

/// What a row is about.
pub(super) fn resource(row: &Quota) -> Result<Resource> {
    let level = Level::from_value(row.level)
        .ok_or_else(|| Error::internal(format!("quota {} has no level", row.id)))?;
    let nodes = NodesOf {
        group: row.group_name.clone(),
        level,
    };
    Ok(match row.kind {
        Kind::Grant => Resource::Nodes(nodes),
        Kind::Ceiling => Resource::NodeLimit(row.tag.clone(), nodes),
    })
}

/// What is wrong with an input.
pub(super) async fn check(tx: &Tx, owner: Owner, input: &SetQuota) -> Result<()> {
    let mut problems = rules(owner, input);
    if input.expires_at.is_some_and(|end| end <= tx.now()) {
        problems.push(problem("expiresAt", "is in the past"));
    }
    problems.extend(unknown_group(tx, &input.group).await?);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}

pub(super) async fn unknown_group(tx: &Tx, group: &str) -> Result<Option<Problem>> {
    let hosts = node::hosts().filter(host::Column::GroupName.eq(group));
    let is_known = hosts.count(tx.db()).await? > 0;
    let unknown = || problem("group", format!("there is no node group {group}"));
    Ok((!is_known).then(unknown))
}

/// What may not be, whoever sets it.
fn rules(owner: Owner, input: &SetQuota) -> Vec<Problem> {
    let mut problems = Vec::new();
    if input.nodes < 0 {
        problems.push(problem("nodes", "must not be negative"));
    }
    match input.kind {
        Kind::Grant if !input.tag.is_empty() => {
            problems.push(problem("tag", "only ceilings have one"));
        }
        Kind::Ceiling if !input.tag.is_empty() => {
            let wrong = checked_tag(&input.tag).err();
            problems.extend(wrong.map(|error| problem("tag", error.to_string())));
        }
        Kind::Grant | Kind::Ceiling => {}
    }
    let is_ceiling = input.kind == Kind::Ceiling;
    let is_external = owner.is_external();
    if is_ceiling && !is_external && input.level < Level::UnderNormal {
        let reason = "members of the organisation have no ceilings below UNDER_NORMAL";
        problems.push(problem("priority", reason));
    }
    if is_ceiling && !is_external && input.expires_at.is_some() {
        let reason = "ceilings of members of the organisation have no end";
        problems.push(problem("expiresAt", reason));
    }
    if !is_ceiling && is_external && input.level >= Level::AboveNormal && input.expires_at.is_none()
    {
        let reason = "guests have quota at ABOVE_NORMAL and higher only until some time";
        problems.push(problem("expiresAt", reason));
    }
    problems
}

pub(super) fn problem(field: &str, reason: impl Into<String>) -> Problem {
    Problem {
        field: field.to_owned(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use entity::user::Role;

    use super::*;

    #[test]
    fn what_may_be_set_for_whom_is_as_the_original_has_it() {
        let inside = Owner::User(Role::Internal);
        let guest = Owner::User(Role::External);
        let end = Some(DateTime::UNIX_EPOCH);
        let table = [
            (inside, Kind::Grant, "", Level::Low, 0, None, None),
            (inside, Kind::Grant, "", Level::ExtremeHigh, 9, end, None),
            (
                inside,
                Kind::Grant,
                "",
                Level::High,
                -1,
                None,
                Some("nodes"),
            ),
            (inside, Kind::Grant, "a", Level::High, 1, None, Some("tag")),
            (
                inside,
                Kind::Ceiling,
                "a-1",
                Level::UnderNormal,
                1,
                None,
                None,
            ),
            (
                inside,
                Kind::Ceiling,
                "a]",
                Level::High,
                1,
                None,
                Some("tag"),
            ),
            (
                inside,
                Kind::Ceiling,
                "",
                Level::BelowNormal,
                1,
                None,
                Some("priority"),
            ),
            (
                Owner::Group,
                Kind::Ceiling,
                "",
                Level::Low,
                1,
                None,
                Some("priority"),
            ),
            (
                inside,
                Kind::Ceiling,
                "",
                Level::High,
                1,
                end,
                Some("expiresAt"),
            ),
            (
                Owner::Group,
                Kind::Ceiling,
                "",
                Level::High,
                1,
                end,
                Some("expiresAt"),
            ),
            (guest, Kind::Ceiling, "", Level::Low, 1, end, None),
            (guest, Kind::Grant, "", Level::Normal, 1, None, None),
            (
                guest,
                Kind::Grant,
                "",
                Level::AboveNormal,
                1,
                None,
                Some("expiresAt"),
            ),
            (
                Owner::Guests,
                Kind::Grant,
                "",
                Level::High,
                1,
                None,
                Some("expiresAt"),
            ),
            (guest, Kind::Grant, "", Level::AboveNormal, 1, end, None),
        ];
        for (owner, kind, tag, level, nodes, expires_at, wrong) in table {
            let input = SetQuota {
                owner: String::new(),
                kind,
                tag: tag.to_owned(),
                group: String::new(),
                level,
                nodes,
                expires_at,
            };
            let problems = rules(owner, &input);
            let fields: Vec<_> = problems.iter().map(|it| it.field.as_str()).collect();
            assert_eq!(fields, Vec::from_iter(wrong), "{owner:?} {input:?}");
        }
    }
}
