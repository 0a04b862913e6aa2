//! A session of a browser as clients see it.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::session::Session as Row;

use crate::user::User;

/// A session without its cookie.
#[derive(Debug)]
pub(crate) struct Session(pub(super) Row);

/// A browser that is signed in.
#[Object]
impl Session {
    /// Id of the session.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Whose session it is.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.0.user_id).await
    }

    /// Id of the access token with which it was made: it is good for what that is good for, and for no longer.
    async fn access_token_id(&self) -> ID {
        ID(self.0.token_id.to_string())
    }

    /// What it is called.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Address of the browser that began it; empty if it is not known.
    async fn address(&self) -> &str {
        &self.0.address
    }

    /// When it began.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its cookie was last made anew.
    async fn used_at(&self) -> DateTime<Utc> {
        self.0.used_at
    }

    /// When it ends unless its cookie is made anew before.
    async fn idle_at(&self) -> DateTime<Utc> {
        self.0.idle_at
    }

    /// When it ends in any case.
    async fn ends_at(&self) -> DateTime<Utc> {
        self.0.ends_at
    }
}
