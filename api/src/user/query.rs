//! Questions about users.

use async_graphql::{Context, Object, Result};

use super::User;
use crate::context::Access;

/// Questions about users.
#[derive(Debug, Default)]
pub(crate) struct UserQuery;

#[Object]
impl UserQuery {
    /// You: the user behind the token.
    async fn me(&self, ctx: &Context<'_>) -> Result<User> {
        let id = ctx.user()?.id;
        Ok(domain::user::get(ctx.app().reader(), id).await?.into())
    }
}
