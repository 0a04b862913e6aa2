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
use crate::user::named;

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
    let mut query = matching(actor, now, user)?;
    if let Some(id) = older_than {
        query = query.filter(session::Column::Id.lt(id));
    }
    let newest_first = query.order_by_desc(session::Column::Id);
    let mut sessions = newest_first.limit(limit + 1).all(db).await?;
    let has_more = sessions.len() as u64 > limit;
    sessions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Page { sessions, has_more })
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
    Ok(matching(actor, now, user)?.count(db).await?)
}

fn matching(
    actor: &Actor,
    now: DateTime<Utc>,
    user: Option<&str>,
) -> Result<Select<session::Entity>> {
    let own = actor.user().map(|user| Target::Of(user.id));
    require(actor, Action::ReadTokens, own.unwrap_or(Target::Platform))?;
    let mut query = session::Entity::find().filter(session::Column::IdleAt.gt(now));
    if let Some(actor) = actor.user().filter(|it| !it.has(Permission::ManageTokens)) {
        query = query.filter(session::Column::UserId.eq(actor.id));
    }
    if let Some(name) = user {
        // In the same statement: whether there is such a user is not told by how much was asked.
        query = query.filter(session::Column::UserId.in_subquery(named(name)));
    }
    Ok(query)
}
