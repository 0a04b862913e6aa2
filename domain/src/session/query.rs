//! Who has a session, and which there are.

use chrono::{DateTime, Utc};
use entity::{SessionId, session};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::{Session, Ticket};
use crate::auth::sign_in::of_session;
use crate::auth::{Action, Actor, Permission, Target, require};
use crate::error::Result;
use crate::user::find_by_name;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub sessions: Vec<Session>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// Whom the session of a ticket acts for: as the token with which it was made. One statement. Whether the cookie has run
/// out is asked where it comes in, so that what has begun with it may go on.
///
/// # Errors
/// [`Error::Unauthenticated`](crate::Error::Unauthenticated) if the session is over, or its token is not good.
pub async fn sign_in(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    ticket: &Ticket,
) -> Result<Actor> {
    of_session(db, now, ticket.hash()).await
}

/// A page of the open sessions that one may know of, older than one of them if that is given: one's own; for administrators
/// of tokens those of everybody, or of one user.
///
/// # Errors
/// [`Error::Forbidden`](crate::Error::Forbidden).
pub async fn list(
    db: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    user: Option<&str>,
    older_than: Option<SessionId>,
    limit: u64,
) -> Result<Page> {
    let mut page = Page {
        sessions: Vec::new(),
        has_more: false,
    };
    let Some(mut query) = matching(db, actor, now, user).await? else {
        return Ok(page);
    };
    if let Some(id) = older_than {
        query = query.filter(session::Column::Id.lt(id));
    }
    let newest_first = query.order_by_desc(session::Column::Id);
    page.sessions = newest_first.limit(limit + 1).all(db).await?;
    page.has_more = page.sessions.len() as u64 > limit;
    page.sessions
        .truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(page)
}

/// How many there are.
///
/// # Errors
/// As [`list`].
pub async fn count(
    db: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    user: Option<&str>,
) -> Result<u64> {
    match matching(db, actor, now, user).await? {
        Some(query) => Ok(query.count(db).await?),
        None => Ok(0),
    }
}

async fn matching(
    db: &impl ConnectionTrait,
    actor: &Actor,
    now: DateTime<Utc>,
    user: Option<&str>,
) -> Result<Option<Select<session::Entity>>> {
    let own = actor.user().map(|user| Target::Of(user.id));
    require(actor, Action::ReadTokens, own.unwrap_or(Target::Platform))?;
    let mut query = session::Entity::find().filter(session::Column::IdleAt.gt(now));
    if let Some(actor) = actor.user().filter(|it| !it.has(Permission::ManageTokens)) {
        query = query.filter(session::Column::UserId.eq(actor.id));
    }
    if let Some(name) = user {
        let Some(user) = find_by_name(db, name).await? else {
            return Ok(None);
        };
        query = query.filter(session::Column::UserId.eq(user.id));
    }
    Ok(Some(query))
}
