//! Adds what gives or takes a mount, or undoes what says the opposite.

use entity::mount_rule::{self, Action as RuleAction};
use entity::{UserId, Words, user, user_group};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    NotSet, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};

use super::MountRule;
use super::plan::{Advice, Audience, Member, Warning, plan};
use super::query::rules;
use super::rule::{Definition, Rule, Source};
use crate::app::App;
use crate::auth::{Action, Actor, Target, require};
use crate::error::{Error, Problem, Result};
use crate::store::Tx;
use crate::user::{Role, groups_of_all};

/// Users whose groups are fetched with one statement.
const AT_ONCE: usize = 500;

/// What a change has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is a new rule.
    Made(MountRule),
    /// The rule that said the opposite is gone, or no longer for this owner.
    Undone(MountRule),
    /// Nothing was changed: it is probably not meant.
    Warned(Vec<Warning>),
}

/// Gives an owner a mount, or takes it. With `force` also if that is probably not meant.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators of mounts, [`Error::Invalid`] names the field, [`Error::Conflict`] if
/// there is such a rule already.
pub async fn change(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    mut rule: Definition,
    force: bool,
) -> Result<Outcome> {
    let owner = check(actor, &mut rule)?;
    let advice = consult(tx.db(), app, &rule, &owner).await?;
    if let Some(Source::Rule(id)) = advice.undoes {
        return undo(tx, id, &owner).await.map(Outcome::Undone);
    }
    if !force && !advice.warnings.is_empty() {
        return Ok(Outcome::Warned(advice.warnings));
    }
    insert(tx, rule, true).await.map(Outcome::Made)
}

/// What a change would come to; nothing is changed.
///
/// # Errors
/// As [`change`].
pub async fn advise(
    db: &impl ConnectionTrait,
    app: &App,
    actor: &Actor,
    mut rule: Definition,
) -> Result<Advice> {
    let owner = check(actor, &mut rule)?;
    consult(db, app, &rule, &owner).await
}

/// The owner of a rule that makes sense.
fn check(actor: &Actor, rule: &mut Definition) -> Result<String> {
    require(actor, Action::ManageMounts, Target::Platform)?;
    for condition in &mut rule.conditions {
        condition.truncate(condition.trim_end().len());
    }
    if rule.action == RuleAction::Remove {
        rule.take_anything();
    }
    let meaning = rule.read().map_err(Error::Invalid)?;
    let joined = meaning.conditions.iter().enumerate();
    let problems: Vec<Problem> = joined
        .filter(|(_, condition)| condition.is_joined())
        .map(|(index, _)| Problem {
            field: format!("conditions.{index}"),
            reason: "must not join with `and` or `or`: write several conditions, or several rules"
                .to_owned(),
        })
        .collect();
    match (problems.is_empty(), rule.owners.as_slice()) {
        (true, [owner]) => Ok(owner.clone()),
        (true, _) => Err(Error::invalid("owner", "must be one user or one group")),
        (false, _) => Err(Error::Invalid(problems)),
    }
}

async fn consult(
    db: &impl ConnectionTrait,
    app: &App,
    rule: &Definition,
    owner: &str,
) -> Result<Advice> {
    let mut known = rules(db).await?;
    known.extend(app.settings.mounts.iter().map(Rule::configured));
    let audience = audience(db, owner).await?;
    plan(rule, owner, &known, &audience)
}

/// Whom a name means.
async fn audience(db: &impl ConnectionTrait, owner: &str) -> Result<Audience> {
    let users = user::Entity::find().order_by_asc(user::Column::Name);
    let named = users.clone().filter(user::Column::Name.eq(owner)).one(db);
    if let Some(user) = named.await? {
        let mut members = members(db, vec![user]).await?;
        return Ok(members.pop().map_or(Audience::Unknown, Audience::User));
    }
    let of_role = |role: Role| user::Column::Role.eq(role);
    let users = match owner {
        "public" => users,
        "internal" => users.filter(of_role(Role::Internal)),
        "external" => users.filter(of_role(Role::External)),
        group => {
            let ids = user_group::Entity::find()
                .select_only()
                .column(user_group::Column::UserId)
                .filter(user_group::Column::Name.eq(group));
            let ids: Vec<UserId> = ids.into_tuple().all(db).await?;
            if ids.is_empty() {
                return Ok(Audience::Unknown);
            }
            users.filter(user::Column::Id.is_in(ids))
        }
    };
    let users = users.all(db).await?;
    members(db, users).await.map(Audience::Group)
}

async fn members(db: &impl ConnectionTrait, users: Vec<user::Model>) -> Result<Vec<Member>> {
    let mut members = Vec::with_capacity(users.len());
    for users in users.chunks(AT_ONCE) {
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let mut groups = groups_of_all(db, &ids).await?;
        members.extend(users.iter().map(|user| {
            let mut groups = groups.remove(&user.id).unwrap_or_default();
            groups.retain(|group| *group != user.name);
            let name = user.name.clone();
            Member { name, groups }
        }));
    }
    Ok(members)
}

pub(super) async fn insert(tx: &Tx, rule: Definition, active: bool) -> Result<MountRule> {
    let row = mount_rule::ActiveModel {
        id: NotSet,
        identity: Set(rule.identity()),
        host_path: Set(rule.host_path),
        mount_path: Set(rule.mount_path),
        owners: Set(Words(rule.owners)),
        conditions: Set(Words(rule.conditions)),
        mount_type: Set(rule.kind),
        read_only: Set(rule.read_only),
        action: Set(rule.action),
        active: Set(active),
        created_at: Set(tx.now()),
        version: Set(0),
    };
    let row = row.insert(tx.db()).await;
    row.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::Conflict("there is a rule about this already".to_owned())
        }
        _ => error.into(),
    })
}

/// Takes the owner from a rule, and the rule itself if it was the only one. Answers the rule as it was.
async fn undo(tx: &Tx, id: super::MountRuleId, owner: &str) -> Result<MountRule> {
    let found = mount_rule::Entity::find_by_id(id).one(tx.db()).await?;
    let row = found.ok_or_else(|| Error::not_found("mount rule", id))?;
    let mut rest = Definition::from(row.clone());
    rest.owners.retain(|it| it != owner);
    if rest.owners.is_empty() {
        mount_rule::Entity::delete_by_id(id).exec(tx.db()).await?;
    } else {
        let mut changed = row.clone().into_active_model();
        changed.identity = Set(rest.identity());
        changed.owners = Set(Words(rest.owners));
        changed.version = Set(row.version + 1);
        changed.update(tx.db()).await?;
    }
    Ok(row)
}
