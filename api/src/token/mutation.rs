//! Makes, changes and ends tokens.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::auth::Token;
use domain::auth::tokens::{self, AccessToken as Row, CreateToken};
use rand::rngs::StdRng;

use super::object::{AccessToken, TokenScope};
use crate::audit;
use crate::context::Access;
use crate::id::token_id;

/// A token to be made.
#[derive(Debug, InputObject)]
pub(crate) struct CreateAccessTokenInput {
    /// Name of the user it acts for; you if left out. Others only for those who have the permission `MANAGE_TOKENS`.
    user: Option<String>,
    /// Name of whoever is meant to hold it, and stands in the audit log; the user if left out.
    holder: Option<String>,
    /// What it is good for.
    #[graphql(default_with = "TokenScope::All")]
    scope: TokenScope,
    /// What it is called, at most 100 characters.
    name: Option<String>,
    /// When it ends; when it is revoked if left out.
    expires_at: Option<DateTime<Utc>>,
}

/// A token with its secret.
#[derive(Debug, SimpleObject)]
pub(crate) struct CreatedAccessToken {
    /// The token.
    access_token: AccessToken,
    /// The secret. It is shown only now.
    token: String,
}

impl From<(Row, Token)> for CreatedAccessToken {
    fn from((row, token): (Row, Token)) -> Self {
        Self {
            access_token: AccessToken(row),
            token: token.reveal().to_owned(),
        }
    }
}

/// Changes of access tokens.
#[derive(Debug, Default)]
pub(crate) struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Makes a token. Two calls make two tokens.
    async fn create_access_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: CreateAccessTokenInput,
    ) -> Result<CreatedAccessToken> {
        let user = match input.user {
            Some(user) => user,
            None => ctx.user()?.name.clone(),
        };
        let mut change = audit::begin(ctx, format!("user {user}")).await?;
        change.tells(format!(
            "held by {}, {:?}, {}",
            input.holder.as_ref().unwrap_or(&user),
            input.scope,
            input
                .expires_at
                .map_or_else(|| "without an end".to_owned(), |end| format!("until {end}")),
        ));
        let input = CreateToken {
            user,
            holder: input.holder,
            scope: input.scope.into(),
            name: input.name,
            expires_at: input.expires_at,
        };
        let mut random: StdRng = rand::make_rng();
        let done = tokens::create(change.tx(), ctx.actor(), input, &mut random).await;
        Ok(change.end(done).await?.into())
    }

    /// Gives a token a new secret; the old one ends at once, and every session of a browser that began with it. All else
    /// of it stays.
    async fn rotate_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the token.")] id: ID,
    ) -> Result<CreatedAccessToken> {
        let id = token_id(&id)?;
        let mut change = audit::begin(ctx, format!("access token {id}")).await?;
        let mut random: StdRng = rand::make_rng();
        let done = tokens::rotate(change.tx(), ctx.actor(), id, &mut random).await;
        Ok(change.end(done).await?.into())
    }

    /// Ends a token, and every session of a browser that began with it: for the user it acts for, for whoever holds it, and for administrators of tokens.
    async fn revoke_access_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the token.")] id: ID,
    ) -> Result<AccessToken> {
        let id = token_id(&id)?;
        let mut change = audit::begin(ctx, format!("access token {id}")).await?;
        let done = tokens::revoke(change.tx(), ctx.actor(), id).await;
        Ok(AccessToken(change.end(done).await?))
    }
}
