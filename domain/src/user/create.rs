//! Creates a user with a first token.

use std::ops::RangeInclusive;

use entity::{user, user_group};
use rand::Rng;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, NotSet, QueryFilter, QueryOrder,
    SqlErr,
};

use super::change::team_gives_groups;
use super::name::{self, DEFAULT_TEAM};
use super::{Role, User};
use crate::auth::{Action, Actor, Target, Token, UserActor, issue, require};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::store::Tx;

/// The largest uid: 32 bits, less the one that means "none".
const LAST_UID: i64 = 4_294_967_294;

/// Characters of a nick name.
pub(super) const MOST_NICK_CHARS: usize = 100;

/// What is to be created.
#[derive(Debug, Clone)]
pub struct CreateUser {
    /// Lower-case letters, digits, `_` and `-`, beginning with a letter, at most 32 characters.
    pub name: String,
    /// What people call the user; absent: the name.
    pub nick_name: Option<String>,
    /// The team; absent: `default`, which no external user may have.
    pub shared_group: Option<String>,
    /// Inside or outside of the organisation.
    pub role: Role,
    /// Whether the user may sign in and start anything.
    pub active: bool,
    /// Uid of the user's processes; absent: the next free one of the role.
    pub uid: Option<i64>,
    /// User groups to belong to.
    pub groups: Vec<String>,
}

/// Creates the user and a token, which can be seen only now.
///
/// # Errors
/// [`Error::Invalid`] for a bad or reserved name, team, uid or group, [`Error::Conflict`] if the name is taken.
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
    let team = input.shared_group.as_deref().unwrap_or(DEFAULT_TEAM);
    if !is_root && team_gives_groups(tx, team).await? {
        return Err(Error::Forbidden(
            "only members of root may put a user into a shared group that has groups".to_owned(),
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
    let user = add(tx, input).await?;
    let token = issue(tx, user.id, random).await?;
    Ok((user, token))
}

/// Creates a user who has no token yet, without asking who wants it.
///
/// # Errors
/// As [`create`].
pub(crate) async fn add(tx: &mut Tx, input: CreateUser) -> Result<User> {
    let problems = problems(&input);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let team = input.shared_group;
    let team = team.unwrap_or_else(|| DEFAULT_TEAM.to_owned());
    name::alone(tx).await?;
    if name::is_group(tx, &input.name).await? {
        return Err(Error::invalid("name", "is the name of a group"));
    }
    name::no_users(tx, &input.groups).await?;
    let uid = match input.uid {
        Some(uid) => uid,
        None => next_uid(tx, input.role).await?,
    };
    let row = user::ActiveModel {
        id: NotSet,
        name: Set(input.name.clone()),
        nick_name: Set(input.nick_name),
        shared_group: Set(team),
        uid: Set(uid),
        role: Set(input.role),
        active: Set(input.active),
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
    tx.wake(Event::Quotas);
    Ok(user)
}

/// The uids that users get who have not chosen: above what systems give to people and services, and apart for each role.
/// What root chose beyond them does not matter.
fn uids_of(role: Role) -> RangeInclusive<i64> {
    match role {
        Role::Internal => 10_001..=100_000,
        Role::External => 100_001..=999_999,
    }
}

async fn next_uid(tx: &Tx, role: Role) -> Result<i64> {
    let (first, last) = uids_of(role).into_inner();
    let largest = user::Entity::find()
        .filter(user::Column::Uid.between(first, last))
        .order_by_desc(user::Column::Uid)
        .one(tx.db())
        .await?;
    let next = largest.map_or(first, |user| user.uid + 1);
    if next > last {
        let reason = "there is no free uid left for this role: choose one";
        return Err(Error::invalid("uid", reason));
    }
    Ok(next)
}

/// What is wrong with a user who is to be created, whoever wants it.
pub(crate) fn problems(input: &CreateUser) -> Vec<Problem> {
    let team = input.shared_group.as_deref().unwrap_or(DEFAULT_TEAM);
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| {
        problems.push(Problem {
            field: field.to_owned(),
            reason,
        });
    };
    if let Some(reason) = name::problem(&input.name) {
        wrong("name", reason);
    }
    if let Some(reason) = name::team_problem(team, input.role) {
        wrong("sharedGroup", reason);
    }
    if let Some(reason) = input.nick_name.as_deref().and_then(nick_name_problem) {
        wrong("nickName", reason);
    }
    if let Some(uid) = input.uid
        && !(0..=LAST_UID).contains(&uid)
    {
        wrong("uid", format!("must be between 0 and {LAST_UID}"));
    }
    if input.groups.contains(&input.name) {
        wrong("groups", format!("{} is the name of the user", input.name));
    }
    problems.extend(name::group_problems(&input.groups));
    problems
}

/// What is wrong with what people call a user.
pub(super) fn nick_name_problem(name: &str) -> Option<String> {
    let length = name.chars().count();
    let is_good = (1..=MOST_NICK_CHARS).contains(&length) && !name.contains(char::is_control);
    (!is_good).then(|| format!("must be 1 to {MOST_NICK_CHARS} characters on one line"))
}
