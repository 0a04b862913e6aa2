//! An access token as clients see it: without its secret.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::auth::tokens::AccessToken as Row;

use crate::user::User;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::auth::Scope")]
pub(crate) enum TokenScope {
    /// Everything that its user may do.
    All,
    /// The same, except to sign in to dev containers and to see, make or revoke tokens.
    ExceptJupyter,
    /// To read.
    Read,
}

/// A token without its secret.
#[derive(Debug)]
pub(crate) struct AccessToken(pub(super) Row);

/// A token that acts for a user.
#[Object]
impl AccessToken {
    /// Id of the token; not its secret.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// The user it acts for.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.0.user_id).await
    }

    /// Who is meant to hold it: the same user, unless it was made for another.
    async fn holder(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.0.holder_id.unwrap_or(self.0.user_id)).await
    }

    /// What it is good for.
    async fn scope(&self) -> TokenScope {
        domain::auth::Scope::from(self.0.scope).into()
    }

    /// What it is called.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Name of whoever made it; absent if the platform did.
    async fn created_by(&self) -> Option<&str> {
        self.0.created_by.as_deref()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it ends; absent: when it is revoked.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// When it was revoked.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }
}
