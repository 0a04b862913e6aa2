//! Questions about users.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object, Result};
use domain::{Error, user};

use super::User;
use super::object::UserRole;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::List;
use crate::limits;

/// Most entries of a list in a filter.
const MOST_ENTRIES: usize = 100;

/// One page of a list of users.
pub(crate) type UserConnection = Connection<String, User, UserTotal>;
/// A user at its place in a list.
pub(crate) type UserEdge = Edge<String, User, EmptyFields>;

/// Which users; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct UserFilter {
    /// Only users with these names, at most 100.
    names: Option<Vec<String>>,
    /// Only users of this role.
    role: Option<UserRole>,
    /// Only users who may, or may not, sign in.
    active: Option<bool>,
    /// Only users of this team.
    shared_group: Option<String>,
}

/// Counts a list of users, if somebody asks.
#[derive(Debug)]
pub(crate) struct UserTotal {
    filter: user::Filter,
}

#[Object]
impl UserTotal {
    /// How many users there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = user::count(ctx.app().reader(), ctx.actor(), &self.filter).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// Questions about users.
#[derive(Debug, Default)]
pub(crate) struct UserQuery;

#[Object]
impl UserQuery {
    /// You: the user behind the token.
    async fn me(&self, ctx: &Context<'_>) -> Result<User> {
        let id = ctx.user()?.id;
        Ok(user::get(ctx.app().reader(), id).await?.into())
    }

    /// The users, by name. Not for external users.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only users that match.")] filter: Option<UserFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only users behind this cursor.")] after: Option<String>,
    ) -> Result<UserConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let window = args.window(List::Users, |key| Some(key.to_owned()))?;
        let filter = filter.unwrap_or_default();
        if filter
            .names
            .as_ref()
            .is_some_and(|names| names.len() > MOST_ENTRIES)
        {
            let reason = format!("must have at most {MOST_ENTRIES} entries");
            return Err(Error::invalid("filter.names", reason).into());
        }
        let filter = user::Filter {
            names: filter.names,
            role: filter.role.map(Into::into),
            active: filter.active,
            shared_group: filter.shared_group,
        };
        let limit = u64::try_from(window.limit).unwrap_or(0);
        let (reader, behind) = (ctx.app().reader(), window.after.as_deref());
        let page = user::list(reader, ctx.actor(), &filter, behind, limit).await?;
        let users = page.users.into_iter();
        let nodes = users.map(|row| (List::Users.cursor(&row.name), row.into()));
        Ok(window.connection(page.has_more, nodes, UserTotal { filter }))
    }
}
