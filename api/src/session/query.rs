//! Questions about sessions of browsers.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object, Result};
use domain::session::{self, SessionId};

use super::object::Session;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::List;
use crate::limits;

/// One page of a list of sessions.
pub(crate) type SessionConnection = Connection<String, Session, SessionTotal>;
/// A session at its place in a list.
pub(crate) type SessionEdge = Edge<String, Session, EmptyFields>;

/// Which sessions; what is left out does not matter.
#[derive(Debug, Default, InputObject)]
pub(crate) struct SessionFilter {
    /// Only those of the user of this name.
    user: Option<String>,
}

/// Counts a list of sessions, if somebody asks.
#[derive(Debug)]
pub(crate) struct SessionTotal {
    user: Option<String>,
}

#[Object]
impl SessionTotal {
    /// How many sessions there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let app = ctx.app();
        let (reader, user) = (app.reader(), self.user.as_deref());
        let count = session::count(reader, ctx.actor(), app.now(), user).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// Questions about sessions of browsers.
#[derive(Debug, Default)]
pub(crate) struct SessionQuery;

#[Object]
impl SessionQuery {
    /// The browsers that are signed in as you, the newest first; all for those who have the permission `MANAGE_TOKENS`.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only sessions that match.")] filter: Option<SessionFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only sessions behind this cursor.")] after: Option<String>,
    ) -> Result<SessionConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let window = args.window(List::Sessions, |key| key.parse().ok().map(SessionId))?;
        let user = filter.unwrap_or_default().user;
        let limit = u64::try_from(window.limit).unwrap_or(0);
        let (app, actor) = (ctx.app(), ctx.actor());
        let (reader, now) = (app.reader(), app.now());
        let page = session::list(reader, actor, now, user.as_deref(), window.after, limit).await?;
        let rows = page.sessions.into_iter();
        let nodes = rows.map(|row| (List::Sessions.cursor(row.id), Session(row)));
        Ok(window.connection(page.has_more, nodes, SessionTotal { user }))
    }
}
