//! Questions about nodes.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object, Result};
use domain::node;

use super::object::{Node, NodeStatus};
use super::overview::ClusterOverview;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::List;
use crate::limits;
use crate::scalar::int;

/// One page of a list of nodes.
pub(crate) type NodeConnection = Connection<String, Node, NodeTotal>;
/// A node at its place in a list.
pub(crate) type NodeEdge = Edge<String, Node, EmptyFields>;

/// Which nodes; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct NodeFilter {
    /// Only nodes of this group.
    group: Option<String>,
    /// Only nodes with this status.
    status: Option<NodeStatus>,
}

impl From<NodeFilter> for node::Filter {
    fn from(filter: NodeFilter) -> Self {
        Self {
            group: filter.group,
            status: filter.status.map(Into::into),
        }
    }
}

/// Counts a list of nodes, if somebody asks.
#[derive(Debug)]
pub(crate) struct NodeTotal {
    filter: node::Filter,
}

#[Object]
impl NodeTotal {
    /// How many nodes there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let all = node::list(ctx.app().reader(), &self.filter, None, None).await?;
        Ok(int(all.len()))
    }
}

/// Questions about nodes.
#[derive(Debug, Default)]
pub(crate) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The nodes, by name.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only nodes that match.")] filter: Option<NodeFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only nodes behind this cursor.")] after: Option<String>,
    ) -> Result<NodeConnection> {
        ctx.user()?;
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let window = args.window(List::Nodes, |key| Some(key.to_owned()))?;
        let filter = node::Filter::from(filter.unwrap_or_default());
        let limit = usize::try_from(window.limit).unwrap_or(0);
        let mut found = node::list(
            ctx.app().reader(),
            &filter,
            window.after.as_deref(),
            // One more tells whether there is more.
            Some(limit as u64 + 1),
        )
        .await?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let nodes = found
            .into_iter()
            .map(|view| (List::Nodes.cursor(&view.host.name), Node(view)));
        Ok(window.connection(has_more, nodes, NodeTotal { filter }))
    }

    /// The cluster in a few numbers.
    async fn cluster_overview(&self, ctx: &Context<'_>) -> Result<ClusterOverview> {
        ctx.user()?;
        Ok(node::overview(ctx.app().reader()).await?.into())
    }
}
