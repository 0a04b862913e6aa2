//! Changes users: what they are called, whether they may come in, to which groups they belong.

use entity::{shared_group_group, user, user_group};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    UpdateMany,
};

use super::create::nick_name_problem;
use super::{User, UserId, find_by_name, groups_of_all, name};
use crate::auth::tokens::users_of_held;
use crate::auth::{Action, Actor, Target, UserActor, require};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::session;
use crate::store::{Tx, exactly_one};

/// What is to change of a user; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ChangeUser {
    /// Name of the user.
    pub user: String,
    /// What people call the user.
    pub nick_name: Option<String>,
    /// The team.
    pub shared_group: Option<String>,
}

/// Changes what a user is called and to which team he belongs.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Invalid`].
pub async fn change(tx: &mut Tx, actor: &Actor, input: ChangeUser) -> Result<User> {
    require(actor, Action::CreateUser, Target::Platform)?;
    let user = found(tx, &input.user).await?;
    let mut problems = Vec::new();
    let checks = [
        (
            "nickName",
            input.nick_name.as_deref().and_then(nick_name_problem),
        ),
        (
            "sharedGroup",
            input
                .shared_group
                .as_deref()
                .and_then(|team| name::team_problem(team, user.role)),
        ),
    ];
    for (field, reason) in checks {
        problems.extend(reason.map(|reason| Problem {
            field: field.to_owned(),
            reason,
        }));
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let team = input
        .shared_group
        .unwrap_or_else(|| user.shared_group.clone());
    // What a team gives is given and taken with it.
    let gives = team != user.shared_group
        && (team_gives_groups(tx, &team).await?
            || team_gives_groups(tx, &user.shared_group).await?);
    if gives && !actor.user().is_some_and(UserActor::is_root) {
        return Err(Error::Forbidden(
            "only members of root may move a user into or out of a shared group that has groups"
                .to_owned(),
        ));
    }
    let change = user::Entity::update_many()
        .col_expr(user::Column::SharedGroup, Expr::value(team))
        .col_expr(
            user::Column::NickName,
            Expr::value(input.nick_name.or(user.nick_name.clone())),
        );
    write(tx, &user, change).await
}

/// Lets a user in, or shuts one out: his tokens, and those that he holds, are no longer good, his sessions end, and his
/// tasks do not start.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Invalid`] for oneself.
pub async fn set_active(tx: &mut Tx, actor: &Actor, name: &str, active: bool) -> Result<User> {
    require(actor, Action::ActivateUser, Target::Platform)?;
    let user = found(tx, name).await?;
    if !active && is_oneself(actor, user.id) {
        return Err(Error::invalid("active", "you cannot shut yourself out"));
    }
    root_only_for_root(tx, actor, user.id).await?;
    if !active {
        session::end_of_user(tx, user.id).await?;
    }
    for other in users_of_held(tx.db(), user.id).await? {
        tx.wake(Event::Access(other));
    }
    let change = user::Entity::update_many().col_expr(user::Column::Active, Expr::value(active));
    write(tx, &user, change).await
}

/// Replaces the groups of a user.
///
/// # Errors
/// [`Error::Forbidden`] for all but members of root, [`Error::NotFound`], [`Error::Invalid`].
pub async fn set_groups(
    tx: &mut Tx,
    actor: &Actor,
    name: &str,
    groups: Vec<String>,
) -> Result<User> {
    require(actor, Action::SetGroups, Target::Platform)?;
    check(tx, &groups).await?;
    let user = found(tx, name).await?;
    // Somebody must be left who can give it back.
    if is_oneself(actor, user.id) && !groups.iter().any(|group| group == "root") {
        let reason = "you cannot take root from yourself";
        return Err(Error::invalid("groups", reason));
    }
    user_group::Entity::delete_many()
        .filter(user_group::Column::UserId.eq(user.id))
        .exec(tx.db())
        .await?;
    let rows = groups.into_iter().map(|name| user_group::ActiveModel {
        user_id: Set(user.id),
        name: Set(name),
    });
    user_group::Entity::insert_many(rows)
        .exec_without_returning(tx.db())
        .await?;
    write(tx, &user, user::Entity::update_many()).await
}

/// Replaces the groups of a team, to which all its members belong.
///
/// # Errors
/// [`Error::Forbidden`] for all but members of root, [`Error::Invalid`].
pub async fn set_team_groups(
    tx: &mut Tx,
    actor: &Actor,
    team: &str,
    groups: Vec<String>,
) -> Result<()> {
    require(actor, Action::SetGroups, Target::Platform)?;
    if let Some(reason) = name::problem(team) {
        return Err(Error::invalid("sharedGroup", reason));
    }
    check(tx, &groups).await?;
    shared_group_group::Entity::delete_many()
        .filter(shared_group_group::Column::SharedGroup.eq(team))
        .exec(tx.db())
        .await?;
    let rows = groups
        .into_iter()
        .map(|name| shared_group_group::ActiveModel {
            shared_group: Set(team.to_owned()),
            name: Set(name),
        });
    shared_group_group::Entity::insert_many(rows)
        .exec_without_returning(tx.db())
        .await?;
    for member in members(tx, team).await? {
        tx.wake(Event::Access(member));
    }
    tx.wake(Event::Quotas);
    Ok(())
}

/// Refuses to those who are not of root what would make them the equals of a user who is.
///
/// # Errors
/// [`Error::Forbidden`].
pub(crate) async fn root_only_for_root(tx: &Tx, actor: &Actor, user: UserId) -> Result<()> {
    if actor.user().is_some_and(UserActor::is_root) || is_oneself(actor, user) {
        return Ok(());
    }
    let groups = groups_of_all(tx.db(), &[user]).await?;
    if groups.values().flatten().any(|group| group == "root") {
        let reason = "only members of root may do this to a member of root";
        return Err(Error::Forbidden(reason.to_owned()));
    }
    Ok(())
}

/// Whether the members of a team belong to groups because of it.
pub(super) async fn team_gives_groups(tx: &Tx, team: &str) -> Result<bool> {
    let groups = shared_group_group::Entity::find()
        .filter(shared_group_group::Column::SharedGroup.eq(team))
        .count(tx.db())
        .await?;
    Ok(groups > 0)
}

async fn members(tx: &Tx, team: &str) -> Result<Vec<UserId>> {
    Ok(user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::SharedGroup.eq(team))
        .into_tuple()
        .all(tx.db())
        .await?)
}

fn is_oneself(actor: &Actor, user: UserId) -> bool {
    actor.user().is_some_and(|actor| actor.id == user)
}

async fn check(tx: &Tx, groups: &[String]) -> Result<()> {
    let problems = name::group_problems(groups);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    name::alone(tx).await?;
    name::no_users(tx, groups).await
}

async fn found(tx: &Tx, name: &str) -> Result<User> {
    let user = find_by_name(tx.db(), name).await?;
    user.ok_or_else(|| Error::not_found("user", name))
}

/// Writes a change of a user as he was read.
async fn write(tx: &mut Tx, user: &User, change: UpdateMany<user::Entity>) -> Result<User> {
    let next = Expr::col(user::Column::Version).add(1);
    let written = change
        .col_expr(user::Column::Version, next)
        .filter(user::Column::Id.eq(user.id))
        .filter(user::Column::Version.eq(user.version))
        .exec(tx.db())
        .await?;
    exactly_one(written.rows_affected, "the user")?;
    tx.wake(Event::Quotas);
    tx.wake(Event::Access(user.id));
    super::get(tx.db(), user.id).await
}
