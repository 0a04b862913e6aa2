//! Creates a user with a first token.

use entity::{user, user_group};
use rand::Rng;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, NotSet, PaginatorTrait,
    QueryFilter, QueryOrder, SqlErr,
};

use super::{Role, User};
use crate::auth::{Action, Actor, Target, Token, UserActor, issue, require};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::store::Tx;

/// Names that mean something else, mostly groups that carry rights.
const RESERVED: &[&str] = &[
    "account_manager",
    "cluster_manager",
    "create_access_token",
    "developer_admin",
    "external",
    "external_quota_editor",
    "external_user_manager",
    "hub_admin",
    "internal",
    "internal_quota_limit_editor",
    "nobody",
    "ops",
    "platform",
    "public",
    "root",
    "system",
    "task_admin",
    "can_suspend",
];

/// The first uid given to a user without a chosen one: above what systems give to people and services.
const FIRST_UID: i64 = 10_001;

/// The largest uid: 32 bits, less the one that means "none".
const LAST_UID: i64 = 4_294_967_294;

/// What is to be created.
#[derive(Debug, Clone)]
pub struct CreateUser {
    /// Lower-case letters, digits, `_` and `-`, beginning with a letter, at most 32 characters.
    pub name: String,
    /// Inside or outside of the organisation.
    pub role: Role,
    /// Uid of the user's processes; absent: the next free one from 10001.
    pub uid: Option<i64>,
    /// User groups to belong to.
    pub groups: Vec<String>,
}

/// Creates the user and a token, which can be seen only now.
///
/// # Errors
/// [`Error::Invalid`] for a bad or reserved name, uid or group, [`Error::Conflict`] if the name is taken.
pub async fn create(
    tx: &mut Tx,
    actor: &Actor,
    input: CreateUser,
    random: &mut impl Rng,
) -> Result<(User, Token)> {
    require(actor, Action::CreateUser, Target::Platform)?;
    // A group gives rights, and a uid gives files: 0 is the platform itself.
    let is_root = actor.user().is_some_and(UserActor::is_root);
    if !is_root && (input.uid.is_some() || !input.groups.is_empty()) {
        return Err(Error::Forbidden(
            "only members of root may choose the uid or the groups of a user".to_owned(),
        ));
    }
    insert(tx, input, random).await
}

/// Creates a user without asking who wants it: for the start of the platform.
///
/// # Errors
/// As [`create`].
pub(crate) async fn insert(
    tx: &mut Tx,
    input: CreateUser,
    random: &mut impl Rng,
) -> Result<(User, Token)> {
    let problems = check(&input);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    if user_group::Entity::find()
        .filter(user_group::Column::Name.eq(&input.name))
        .count(tx.db())
        .await?
        > 0
    {
        return Err(Error::invalid("name", "is the name of a group"));
    }
    let uid = match input.uid {
        Some(uid) => uid,
        None => next_uid(tx).await?,
    };
    if uid > LAST_UID {
        return Err(Error::invalid(
            "uid",
            "there is no free uid left: choose one",
        ));
    }
    let row = user::ActiveModel {
        id: NotSet,
        name: Set(input.name.clone()),
        uid: Set(uid),
        role: Set(input.role),
        active: Set(true),
        created_at: Set(tx.now()),
        version: Set(0),
    };
    let user = row
        .insert(tx.db())
        .await
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Error::Conflict(format!(
                "there is already a user {} or one with uid {uid}",
                input.name
            )),
            _ => error.into(),
        })?;
    for name in input.groups {
        user_group::ActiveModel {
            user_id: Set(user.id),
            name: Set(name),
        }
        .insert(tx.db())
        .await?;
    }
    let token = issue(tx, user.id, random).await?;
    tx.wake(Event::Quotas);
    Ok((user, token))
}

async fn next_uid(tx: &Tx) -> Result<i64> {
    let largest = user::Entity::find()
        .order_by_desc(user::Column::Uid)
        .one(tx.db())
        .await?
        .map_or(0, |user| user.uid);
    Ok((largest + 1).max(FIRST_UID))
}

fn check(input: &CreateUser) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| {
        problems.push(Problem {
            field: field.to_owned(),
            reason,
        });
    };
    if let Some(reason) = name_problem(&input.name) {
        wrong("name", reason);
    }
    if let Some(uid) = input.uid
        && !(0..=LAST_UID).contains(&uid)
    {
        wrong("uid", format!("must be between 0 and {LAST_UID}"));
    }
    for (index, group) in input.groups.iter().enumerate() {
        if ["public", "internal", "external"].contains(&group.as_str()) {
            wrong(
                "groups",
                format!("{group} is not joined, it follows from the role"),
            );
        } else if !is_word(group) {
            wrong("groups", format!("{group:?} is not a name of a group"));
        } else if input.groups[..index].contains(group) {
            wrong("groups", format!("{group} is named twice"));
        } else if *group == input.name {
            wrong("groups", format!("{group} is the name of the user"));
        }
    }
    problems
}

/// Whether a user may have this name.
pub fn is_usable_name(name: &str) -> bool {
    name_problem(name).is_none()
}

fn name_problem(name: &str) -> Option<String> {
    if !is_word(name) {
        return Some(
            "must be 1 to 32 lower-case letters, digits, '_' or '-', beginning with a letter"
                .to_owned(),
        );
    }
    RESERVED
        .contains(&name)
        .then(|| format!("{name} is reserved"))
}

fn is_word(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && text.len() <= 32
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}
