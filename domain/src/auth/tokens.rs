//! Tokens that people make: for themselves, or for others who then act as them.

use chrono::{DateTime, Utc};
use entity::{AccessTokenId, UserId, access_token};
use rand::Rng;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    NotSet, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::token::hash;
use super::{
    Action, Actor, Permission, Scope, Target, Token, UserActor, may, require, require_of_named,
};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::session;
use crate::store::{Tx, exactly_one};
use crate::user::{User, find_by_name, named, root_only_for_root};

pub use entity::AccessTokenId as TokenId;
pub use entity::access_token::Model as AccessToken;

/// Characters of what a token is called.
const MOST_NAME_CHARS: usize = 100;

/// What is to be made.
#[derive(Debug, Clone)]
pub struct CreateToken {
    /// Name of the user it acts for.
    pub user: String,
    /// Name of whoever is meant to hold it; absent: the user.
    pub holder: Option<String>,
    /// What it is good for.
    pub scope: Scope,
    /// What it is called.
    pub name: Option<String>,
    /// When it ends; absent: when it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which tokens; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that act for this user or are held by him.
    pub user: Option<String>,
    /// Only those that are neither revoked nor over, or only the others.
    pub live: Option<bool>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub tokens: Vec<AccessToken>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// Makes a token, which can be seen only now. Two calls make two tokens.
///
/// # Errors
/// [`Error::Forbidden`], or [`Error::Invalid`] which names the field.
pub async fn create(
    tx: &Tx,
    actor: &Actor,
    input: CreateToken,
    random: &mut impl Rng,
) -> Result<(AccessToken, Token)> {
    let maker = maker(actor)?;
    require_of_named(actor, Action::MakeToken, &input.user)?;
    let user = usable(tx, "user", &input.user, |_| true).await?;
    root_only_for_root(tx, actor, user.id).await?;
    let knows_all = sees_all(maker) || may(actor, Action::ReadUsers, Target::Platform);
    // Guests do not know who there is: they know their team.
    let is_known = |holder: &User| knows_all || holder.shared_group == user.shared_group;
    let holder = match &input.holder {
        Some(holder) => usable(tx, "holder", holder, is_known).await?.id,
        None => user.id,
    };
    let problems = check(&input, tx.now());
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let token = Token::generate(random);
    let row = access_token::ActiveModel {
        id: NotSet,
        user_id: Set(user.id),
        holder_id: Set(Some(holder).filter(|holder| *holder != user.id)),
        scope: Set(input.scope.into()),
        name: Set(input.name),
        created_by: Set(Some(maker.name.clone())),
        hash: Set(hash(token.reveal())),
        created_at: Set(tx.now()),
        expires_at: Set(input.expires_at),
        revoked_at: Set(None),
    };
    Ok((row.insert(tx.db()).await?, token))
}

/// Gives a token a new secret; the old one ends at once, with the sessions that were made with it. All else of it
/// stays.
///
/// # Errors
/// [`Error::NotFound`] for a token that one may not know of, [`Error::Conflict`] for a revoked one.
pub async fn rotate(
    tx: &mut Tx,
    actor: &Actor,
    id: TokenId,
    random: &mut impl Rng,
) -> Result<(AccessToken, Token)> {
    maker(actor)?;
    let row = visible(tx, actor, id).await?;
    // Whoever only holds it would get what only the user may make.
    require(actor, Action::MakeToken, Target::Of(row.user_id))?;
    root_only_for_root(tx, actor, row.user_id).await?;
    let token = Token::generate(random);
    let secret = Expr::value(hash(token.reveal()));
    change(tx, id, access_token::Column::Hash, secret).await?;
    session::end_of_token(tx, id).await?;
    tx.wake(Event::Access(row.user_id));
    Ok((get(tx, id).await?, token))
}

/// Ends a token: for whom it acts for, who holds it, and administrators of tokens.
///
/// # Errors
/// As [`rotate`].
pub async fn revoke(tx: &mut Tx, actor: &Actor, id: TokenId) -> Result<AccessToken> {
    let own = actor.user().map(|user| Target::Of(user.id));
    require(actor, Action::MakeToken, own.unwrap_or(Target::Platform))?;
    let row = visible(tx, actor, id).await?;
    let now = Expr::value(tx.now());
    change(tx, id, access_token::Column::RevokedAt, now).await?;
    session::end_of_token(tx, id).await?;
    tx.wake(Event::Access(row.user_id));
    get(tx, id).await
}

/// A page of the tokens that one may know of, older than one of them if that is given: those that act for oneself or are
/// held by oneself; for administrators of tokens those of everybody.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn list(
    db: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    filter: &Filter,
    older_than: Option<TokenId>,
    limit: u64,
) -> Result<Page> {
    let mut query = matching(actor, now, filter)?;
    if let Some(id) = older_than {
        query = query.filter(access_token::Column::Id.lt(id));
    }
    let newest_first = query.order_by_desc(access_token::Column::Id);
    let mut tokens = newest_first.limit(limit + 1).all(db).await?;
    let has_more = tokens.len() as u64 > limit;
    tokens.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Page { tokens, has_more })
}

/// How many tokens there are.
///
/// # Errors
/// As [`list`].
pub async fn count(
    db: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    filter: &Filter,
) -> Result<u64> {
    Ok(matching(actor, now, filter)?.count(db).await?)
}

fn matching(
    actor: &Actor,
    now: DateTime<Utc>,
    filter: &Filter,
) -> Result<Select<access_token::Entity>> {
    use access_token::Column::{ExpiresAt, RevokedAt};
    let own = actor.user().map(|user| Target::Of(user.id));
    require(actor, Action::ReadTokens, own.unwrap_or(Target::Platform))?;
    let mut query = access_token::Entity::find();
    if let Some(user) = actor.user().filter(|user| !sees_all(user)) {
        query = query.filter(on_either_side(user.id));
    }
    if let Some(name) = &filter.user {
        // In the same statement: whether there is such a user is not told by how much was asked.
        let either_side = Condition::any()
            .add(access_token::Column::UserId.in_subquery(named(name)))
            .add(access_token::Column::HolderId.in_subquery(named(name)));
        query = query.filter(either_side);
    }
    if let Some(live) = filter.live {
        let lasts = ExpiresAt.is_null().or(ExpiresAt.gt(now));
        let is_live = Condition::all().add(RevokedAt.is_null()).add(lasts);
        query = query.filter(if live { is_live } else { is_live.not() });
    }
    Ok(query)
}

/// Whoever may make tokens at all: not who holds the token of another, or what was given for an hour would last for ever.
fn maker(actor: &Actor) -> Result<&UserActor> {
    let user = actor.user().filter(|user| !user.is_delegated());
    user.ok_or_else(|| {
        let reason = "a token that acts for somebody else makes no tokens";
        Error::Forbidden(reason.to_owned())
    })
}

fn sees_all(user: &UserActor) -> bool {
    user.has(Permission::ManageTokens)
}

fn on_either_side(user: UserId) -> Condition {
    Condition::any()
        .add(access_token::Column::UserId.eq(user))
        .add(access_token::Column::HolderId.eq(user))
}

fn check(input: &CreateToken, now: DateTime<Utc>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| {
        problems.push(Problem {
            field: field.to_owned(),
            reason,
        });
    };
    if input.expires_at.is_some_and(|end| end <= now) {
        wrong("expiresAt", "is in the past".to_owned());
    }
    if let Some(reason) = input.name.as_deref().and_then(name_problem) {
        wrong("name", reason);
    }
    problems
}

/// What is wrong with what a token or a session is to be called.
pub(crate) fn name_problem(name: &str) -> Option<String> {
    let is_bad = !(1..=MOST_NAME_CHARS).contains(&name.chars().count());
    (is_bad || name.contains(char::is_control))
        .then(|| format!("must be 1 to {MOST_NAME_CHARS} characters on one line"))
}

/// A user for whom a token is good. One whom the maker does not know is not there.
async fn usable(
    tx: &Tx,
    field: &str,
    name: &str,
    is_known: impl Fn(&User) -> bool,
) -> Result<User> {
    match find_by_name(tx.db(), name).await?.filter(is_known) {
        Some(user) if user.active => Ok(user),
        Some(_) => Err(Error::invalid(field, "is not active")),
        None => Err(Error::invalid(field, "is not the name of a user")),
    }
}

async fn get(tx: &Tx, id: TokenId) -> Result<AccessToken> {
    let row = access_token::Entity::find_by_id(id).one(tx.db()).await?;
    row.ok_or_else(|| Error::not_found("access token", id))
}

/// A token that one may know of.
async fn visible(tx: &Tx, actor: &Actor, id: TokenId) -> Result<AccessToken> {
    let row = get(tx, id).await?;
    let is_held = |user: &UserActor| row.holder_id == Some(user.id);
    let sees = may(actor, Action::ReadTokens, Target::Of(row.user_id))
        || actor.user().is_some_and(is_held);
    if sees {
        Ok(row)
    } else {
        Err(Error::not_found("access token", id))
    }
}

/// Those for whom tokens act that this user holds.
pub(crate) async fn users_of_held(
    db: &impl ConnectionTrait,
    holder: UserId,
) -> Result<Vec<UserId>> {
    Ok(access_token::Entity::find()
        .select_only()
        .column(access_token::Column::UserId)
        .distinct()
        .filter(access_token::Column::HolderId.eq(holder))
        .filter(access_token::Column::RevokedAt.is_null())
        .into_tuple()
        .all(db)
        .await?)
}

/// Changes a token that is not revoked.
async fn change(
    tx: &Tx,
    id: AccessTokenId,
    column: access_token::Column,
    value: Expr,
) -> Result<()> {
    let changed = access_token::Entity::update_many()
        .col_expr(column, value)
        .filter(access_token::Column::Id.eq(id))
        .filter(access_token::Column::RevokedAt.is_null())
        .exec(tx.db())
        .await?;
    exactly_one(changed.rows_affected, "the token was revoked, or it")
}
