//! Questions about nodes.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use domain::node;

use super::history::{self, NodeStateConnection, TaskOnNode};
use super::object::{Node, NodeStatus};
use super::overview::{ClusterOverview, NodeGroup};
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
    /// Only the node with this name.
    name: Option<String>,
    /// Only nodes of this group, and of all groups below this path.
    group: Option<String>,
    /// Only nodes of this zone.
    zone: Option<String>,
    /// Only nodes with this flag; none for guests.
    flag: Option<String>,
    /// Only nodes with this status.
    status: Option<NodeStatus>,
    /// Only nodes that are disabled, or only the others.
    disabled: Option<bool>,
}

impl From<NodeFilter> for node::Filter {
    fn from(filter: NodeFilter) -> Self {
        Self {
            name: filter.name,
            group: filter.group,
            zone: filter.zone,
            flag: filter.flag,
            status: filter.status.map(Into::into),
            disabled: filter.disabled,
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
        Ok(int(node::count(ctx.app(), ctx.actor(), &self.filter).await?))
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
        let limit = u64::try_from(window.limit).unwrap_or(0);
        let after = window.after.as_deref();
        let page = node::page(ctx.app(), ctx.actor(), &filter, after, limit).await?;
        let nodes = page.nodes.into_iter();
        let nodes = nodes.map(|view| (List::Nodes.cursor(&view.host.name), Node(view)));
        Ok(window.connection(page.has_more, nodes, NodeTotal { filter }))
    }

    /// The tree of node groups as a list, at most one entry for each level: each stands behind the one above it.
    async fn node_groups(&self, ctx: &Context<'_>) -> Result<Vec<NodeGroup>> {
        ctx.user()?;
        let levels = node::tree(ctx.app().reader()).await?;
        Ok(levels.into_iter().map(Into::into).collect())
    }

    /// The states that a node was in, the newest first; they are kept for a year, also those of nodes that are gone. Not
    /// for guests.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn node_states(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the node.")] node: String,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only states behind this cursor.")] after: Option<String>,
    ) -> Result<NodeStateConnection> {
        history::page(ctx, node, first, after).await
    }

    /// The task that was on a node at a time; null if none was. Only for administrators.
    async fn task_on_node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the node.")] node: String,
        #[graphql(desc = "When; now if left out.")] at: Option<DateTime<Utc>>,
    ) -> Result<Option<TaskOnNode>> {
        let at = at.unwrap_or_else(|| ctx.app().now());
        let found = node::task_at(ctx.app().reader(), ctx.actor(), &node, at).await?;
        Ok(found.map(Into::into))
    }

    /// The cluster in a few numbers.
    async fn cluster_overview(&self, ctx: &Context<'_>) -> Result<ClusterOverview> {
        ctx.user()?;
        Ok(node::overview(ctx.app().reader()).await?.into())
    }
}
