//! Makes codes; opens, prolongs and ends sessions.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{AccessTokenId, SessionId, UserId, access_token, session, session_code};
use rand::Rng;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, NotSet, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::query::sign_in;
use super::{Code, Cookie, Session, Ticket};
use crate::auth::agent_token::KeyRing;
use crate::auth::tokens::name_problem;
use crate::auth::{Action, Actor, Target, hash, may, require, require_of_named};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::Tx;
use crate::user::find_by_name;

/// How long a code is good.
const CODE_LIFE: TimeDelta = TimeDelta::minutes(5);
/// Codes of one user that are good at the same time: the newest.
const MOST_CODES: u64 = 3;
/// Sessions of one user that are open at the same time: the newest.
const MOST_SESSIONS: u64 = 50;
/// A session ends when its cookie was not made anew for so long.
const MOST_IDLE: TimeDelta = TimeDelta::hours(12);
/// A session ends after so long in any case.
const MOST_LIFE: TimeDelta = TimeDelta::days(14);

/// A session that has begun.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its row.
    pub session: Session,
    /// For the browser.
    pub cookie: Cookie,
    /// As whom everything is done in it.
    pub actor: Actor,
}

/// Makes a code, which can be seen only now, and says until when it is good. It opens a session that is good for what this
/// token is good for.
///
/// # Errors
/// [`Error::Forbidden`] for all but those who may make tokens for themselves, [`Error::Invalid`].
pub async fn create_code(
    tx: &Tx,
    actor: &Actor,
    token: &str,
    name: Option<String>,
    random: &mut impl Rng,
) -> Result<(Code, DateTime<Utc>)> {
    let user = actor.user().filter(|user| !user.is_delegated());
    let Some(user) = user else {
        let reason = "a token that acts for somebody else opens no sessions";
        return Err(Error::Forbidden(reason.to_owned()));
    };
    require(actor, Action::MakeToken, Target::Of(user.id))?;
    if let Some(reason) = name.as_deref().and_then(name_problem) {
        return Err(Error::invalid("name", reason));
    }
    let is_it = access_token::Column::Hash.eq(hash(token));
    let token = access_token::Entity::find().filter(is_it).one(tx.db());
    let token = token.await?.ok_or(Error::Unauthenticated)?;
    let older = session_code::Entity::find()
        .select_only()
        .column(session_code::Column::Id)
        .filter(session_code::Column::UserId.eq(user.id))
        .order_by_desc(session_code::Column::Id)
        .limit(1000)
        .offset(MOST_CODES - 1)
        .into_tuple::<entity::SessionCodeId>()
        .all(tx.db())
        .await?;
    let is_over = session_code::Column::ExpiresAt.lte(tx.now());
    session_code::Entity::delete_many()
        .filter(is_over.or(session_code::Column::Id.is_in(older)))
        .exec(tx.db())
        .await?;
    let code = Code::generate(random);
    let expires_at = tx.now() + CODE_LIFE;
    let row = session_code::ActiveModel {
        id: NotSet,
        user_id: Set(user.id),
        token_id: Set(token.id),
        name: Set(name),
        hash: Set(code.hash()),
        created_at: Set(tx.now()),
        expires_at: Set(expires_at),
    };
    row.insert(tx.db()).await?;
    Ok((code, expires_at))
}

/// Opens the session of a code, which is used up by that.
///
/// # Errors
/// [`Error::Unauthenticated`] if the code is unknown, used or over, or the token with which it was made is not good.
pub async fn open(
    tx: &mut Tx,
    keys: &KeyRing,
    code: &Code,
    address: &str,
    random: &mut impl Rng,
) -> Result<Opened> {
    let is_it = session_code::Column::Hash.eq(code.hash());
    let is_good = is_it.and(session_code::Column::ExpiresAt.gt(tx.now()));
    let found = session_code::Entity::find().filter(is_good).one(tx.db());
    let found = found.await?.ok_or(Error::Unauthenticated)?;
    // Of two that come with the same code, the one that removes it has it.
    let used = session_code::Entity::delete_by_id(found.id).exec(tx.db());
    if used.await?.rows_affected != 1 {
        return Err(Error::Unauthenticated);
    }
    let token = access_token::Entity::find_by_id(found.token_id).one(tx.db());
    let token = token.await?.ok_or(Error::Unauthenticated)?;
    make_room(tx, found.user_id).await?;
    let ticket = Ticket::generate(random);
    let now = tx.now();
    let latest = now + MOST_LIFE;
    let ends_at = token.expires_at.map_or(latest, |end| earlier(end, latest));
    let row = session::ActiveModel {
        id: NotSet,
        user_id: Set(found.user_id),
        token_id: Set(found.token_id),
        name: Set(found.name),
        hash: Set(ticket.hash()),
        created_at: Set(now),
        address: Set(address.to_owned()),
        used_at: Set(now),
        idle_at: Set(earlier(ends_at, now + MOST_IDLE)),
        ends_at: Set(ends_at),
    };
    let session = row.insert(tx.db()).await?;
    Ok(Opened {
        cookie: ticket.sign(keys, now, session.idle_at)?,
        actor: sign_in(tx.db(), now, &ticket).await?,
        session,
    })
}

/// Makes the cookie of an open session anew, also one that has run out.
///
/// # Errors
/// [`Error::Unauthenticated`] if the session is over.
pub async fn refresh(tx: &Tx, keys: &KeyRing, ticket: &Ticket) -> Result<(Session, Cookie)> {
    let now = tx.now();
    sign_in(tx.db(), now, ticket).await?;
    let found = find(tx, ticket).await?.ok_or(Error::Unauthenticated)?;
    let idle_at = earlier(found.ends_at, now + MOST_IDLE);
    let changed = session::Entity::update_many()
        .col_expr(session::Column::UsedAt, Expr::value(now))
        .col_expr(session::Column::IdleAt, Expr::value(idle_at))
        .filter(session::Column::Id.eq(found.id))
        .exec(tx.db());
    // Somebody may end it at this moment.
    if changed.await?.rows_affected != 1 {
        return Err(Error::Unauthenticated);
    }
    let session = Session {
        used_at: now,
        idle_at,
        ..found
    };
    Ok((session, ticket.sign(keys, now, idle_at)?))
}

/// Ends the session of a ticket, if it is open.
///
/// # Errors
/// If the database refuses.
pub async fn close(tx: &mut Tx, ticket: &Ticket) -> Result<Option<Session>> {
    let Some(found) = find(tx, ticket).await? else {
        return Ok(None);
    };
    remove(tx, &found).await?;
    Ok(Some(found))
}

/// Ends a session: one's own; for administrators of tokens that of anybody.
///
/// # Errors
/// [`Error::NotFound`] for one that is over, or that one may not know of.
pub async fn end(tx: &mut Tx, actor: &Actor, id: SessionId) -> Result<Session> {
    let own = actor.user().map(|user| Target::Of(user.id));
    require(actor, Action::MakeToken, own.unwrap_or(Target::Platform))?;
    let found = session::Entity::find_by_id(id).one(tx.db()).await?;
    let found = found.filter(|row| may(actor, Action::MakeToken, Target::Of(row.user_id)));
    let found = found.ok_or_else(|| Error::not_found("session", id))?;
    remove(tx, &found).await?;
    Ok(found)
}

/// Ends all sessions of a user, and all codes that could open another. Answers how many sessions there were.
///
/// # Errors
/// [`Error::Forbidden`] for the sessions of others, except for administrators of tokens; [`Error::Invalid`].
pub async fn end_all(tx: &mut Tx, actor: &Actor, user: &str) -> Result<u64> {
    require_of_named(actor, Action::MakeToken, user)?;
    let found = find_by_name(tx.db(), user).await?;
    let found = found.ok_or_else(|| Error::invalid("user", "is not the name of a user"))?;
    tx.wake(Event::Access(found.id));
    end_of_user(tx, found.id).await
}

/// Ends what a user has open, and answers how many sessions there were.
pub(crate) async fn end_of_user(tx: &Tx, user: UserId) -> Result<u64> {
    let codes = session_code::Column::UserId.eq(user);
    remove_all(tx, session::Column::UserId.eq(user), codes).await
}

/// Ends what was opened with a token.
pub(crate) async fn end_of_token(tx: &Tx, token: AccessTokenId) -> Result<u64> {
    let codes = session_code::Column::TokenId.eq(token);
    remove_all(tx, session::Column::TokenId.eq(token), codes).await
}

async fn remove_all(tx: &Tx, sessions: Expr, codes: Expr) -> Result<u64> {
    let codes = session_code::Entity::delete_many().filter(codes);
    codes.exec(tx.db()).await?;
    let sessions = session::Entity::delete_many().filter(sessions);
    Ok(sessions.exec(tx.db()).await?.rows_affected)
}

/// Removes what is over, and the oldest of the user's sessions, so that there may be another.
async fn make_room(tx: &mut Tx, user: UserId) -> Result<()> {
    let older = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::UserId.eq(user))
        .order_by_desc(session::Column::Id)
        .limit(1000)
        .offset(MOST_SESSIONS - 1)
        .into_tuple::<SessionId>()
        .all(tx.db())
        .await?;
    if !older.is_empty() {
        tx.wake(Event::Access(user));
    }
    let is_over = session::Column::IdleAt.lte(tx.now());
    session::Entity::delete_many()
        .filter(is_over.or(session::Column::Id.is_in(older)))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Both traits of the database and of time have a `min`.
fn earlier(one: DateTime<Utc>, other: DateTime<Utc>) -> DateTime<Utc> {
    std::cmp::min(one, other)
}

async fn find(tx: &Tx, ticket: &Ticket) -> Result<Option<Session>> {
    let is_it = session::Column::Hash.eq(ticket.hash());
    Ok(session::Entity::find().filter(is_it).one(tx.db()).await?)
}

async fn remove(tx: &mut Tx, session: &Session) -> Result<()> {
    tx.wake(Event::Access(session.user_id));
    session::Entity::delete_by_id(session.id)
        .exec(tx.db())
        .await?;
    Ok(())
}
