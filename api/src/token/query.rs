//! Questions about access tokens.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object, Result};
use domain::auth::tokens::{self, TokenId};

use super::object::AccessToken;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::List;
use crate::limits;

/// One page of a list of access tokens.
pub(crate) type TokenConnection = Connection<String, AccessToken, TokenTotal>;
/// An access token at its place in a list.
pub(crate) type TokenEdge = Edge<String, AccessToken, EmptyFields>;

/// Which tokens; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct AccessTokenFilter {
    /// Only those that act for the user of this name or are held by him.
    user: Option<String>,
    /// Only those that are neither revoked nor over, or only the others.
    live: Option<bool>,
}

/// Counts a list of tokens, if somebody asks.
#[derive(Debug)]
pub(crate) struct TokenTotal {
    filter: tokens::Filter,
}

#[Object]
impl TokenTotal {
    /// How many access tokens there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let app = ctx.app();
        let count = tokens::count(app.reader(), ctx.actor(), app.now(), &self.filter).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// Questions about access tokens.
#[derive(Debug, Default)]
pub(crate) struct TokenQuery;

#[Object]
impl TokenQuery {
    /// The access tokens that act for you or are held by you, the newest first; those of everybody for those who have the
    /// permission `MANAGE_TOKENS`. Never with their secrets.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn access_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only access tokens that match.")] filter: Option<AccessTokenFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only access tokens behind this cursor.")] after: Option<String>,
    ) -> Result<TokenConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let window = args.window(List::Tokens, |key| key.parse().ok().map(TokenId))?;
        let filter = filter.unwrap_or_default();
        let filter = tokens::Filter {
            user: filter.user,
            live: filter.live,
        };
        let limit = u64::try_from(window.limit).unwrap_or(0);
        let (app, actor) = (ctx.app(), ctx.actor());
        let (reader, now) = (app.reader(), app.now());
        let page = tokens::list(reader, actor, now, &filter, window.after, limit).await?;
        let rows = page.tokens.into_iter();
        let nodes = rows.map(|row| (List::Tokens.cursor(row.id), AccessToken(row)));
        Ok(window.connection(page.has_more, nodes, TokenTotal { filter }))
    }
}
