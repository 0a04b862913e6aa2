//! Lets browsers in, and ends their sessions.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Error, session};
use rand::rngs::StdRng;

use super::object::Session;
use crate::audit;
use crate::auth::Bearer;
use crate::context::Access;
use crate::id::session_id;

/// A code to be made.
#[derive(Debug, InputObject)]
pub(crate) struct CreateSessionCodeInput {
    /// What the session is to be called, at most 100 characters.
    name: Option<String>,
}

/// A code for a browser.
#[derive(Debug, SimpleObject)]
pub(crate) struct SessionCode {
    /// The code. It is shown only now, and opens one session.
    code: String,
    /// From when on it is good no more.
    expires_at: DateTime<Utc>,
}

/// Whose sessions are to end.
#[derive(Debug, InputObject)]
pub(crate) struct EndAllSessionsInput {
    /// Name of the user; you if left out. Others only for those who have the permission `MANAGE_TOKENS`.
    user: Option<String>,
}

/// Sessions that have ended.
#[derive(Debug, SimpleObject)]
pub(crate) struct EndedSessions {
    /// How many there were.
    count: i32,
}

/// Changes of sessions of browsers.
#[derive(Debug, Default)]
pub(crate) struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Makes a code with which a browser signs in as you: `POST /session` with `{"code": "…"}`. Only with a token of your own
    /// that is good for everything. It is good once, for five minutes, and only while it is among the newest three.
    async fn create_session_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] input: CreateSessionCodeInput,
    ) -> Result<SessionCode> {
        let user = ctx.user()?.name.clone();
        let mut change = audit::begin(ctx, format!("user {user}")).await?;
        let token = ctx.data_opt::<Bearer>().and_then(Bearer::token);
        let mut random: StdRng = rand::make_rng();
        let done = match token {
            Some(token) => {
                let (tx, actor) = (change.tx(), ctx.actor());
                session::create_code(tx, actor, token, input.name, &mut random).await
            }
            // Whoever steals one for an hour would have one for weeks.
            None => {
                let reason = "a session opens no other: ask with a token";
                Err(Error::Forbidden(reason.to_owned()))
            }
        };
        let (code, expires_at) = change.end(done).await?;
        let code = code.reveal();
        Ok(SessionCode { code, expires_at })
    }

    /// Signs a browser out: one of yours; any for those who have the permission `MANAGE_TOKENS`. Its open subscriptions end
    /// at once.
    async fn end_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the session.")] id: ID,
    ) -> Result<Session> {
        let id = session_id(&id)?;
        let mut change = audit::begin(ctx, format!("session {id}")).await?;
        let done = session::end(change.tx(), ctx.actor(), id).await;
        Ok(Session(change.end(done).await?))
    }

    /// Signs all browsers of a user out, and ends all codes that were not used yet. Open subscriptions end at once.
    async fn end_all_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: EndAllSessionsInput,
    ) -> Result<EndedSessions> {
        let user = match input.user {
            Some(user) => user,
            None => ctx.user()?.name.clone(),
        };
        let mut change = audit::begin(ctx, format!("user {user}")).await?;
        let done = session::end_all(change.tx(), ctx.actor(), &user).await;
        let count = i32::try_from(change.end(done).await?).unwrap_or(i32::MAX);
        Ok(EndedSessions { count })
    }
}
