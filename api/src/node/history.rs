//! What became of nodes, as clients see it.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::node::{self, Located, NodeStateId, PastState, State};

use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::List;
use crate::scalar::int;

/// One page of the states of a node.
pub(crate) type NodeStateConnection = Connection<String, NodeState, NodeStateTotal>;
/// A state at its place in the list.
pub(crate) type NodeStateEdge = Edge<String, NodeState, EmptyFields>;

/// What a node came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum NodeStateKind {
    /// The runtime can start ranks on it.
    Ready,
    /// It is out of order, or its machine does not answer.
    NotReady,
    /// Somebody took it from the scheduler.
    Disabled,
    /// Somebody gave it back.
    Enabled,
    /// Somebody took it out of the inventory.
    Removed,
}

impl From<State> for NodeStateKind {
    fn from(state: State) -> Self {
        match state {
            State::Ready => Self::Ready,
            State::NotReady => Self::NotReady,
            State::Disabled => Self::Disabled,
            State::Enabled => Self::Enabled,
            State::Removed => Self::Removed,
        }
    }
}

/// A state that a node came to.
#[derive(Debug, SimpleObject)]
pub(crate) struct NodeState {
    /// When.
    at: DateTime<Utc>,
    /// What it came to.
    state: NodeStateKind,
    /// Name of the user who brought it about; null if nobody did.
    by: Option<String>,
    /// Why, as far as it is known.
    why: Option<String>,
}

impl From<PastState> for NodeState {
    fn from(row: PastState) -> Self {
        Self {
            at: row.at,
            state: row.state.into(),
            by: row.by_user,
            why: row.why,
        }
    }
}

/// Counts the states of a node, if somebody asks.
#[derive(Debug)]
pub(crate) struct NodeStateTotal {
    node: String,
}

#[Object]
impl NodeStateTotal {
    /// How many states there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let db = ctx.app().reader();
        Ok(int(node::count_history(db, ctx.actor(), &self.node).await?))
    }
}

pub(super) async fn page(
    ctx: &Context<'_>,
    node: String,
    first: Option<i32>,
    after: Option<String>,
) -> Result<NodeStateConnection> {
    let args = PageArgs {
        first,
        after,
        ..PageArgs::default()
    };
    let window = args.window(List::NodeStates, |key| key.parse().ok().map(NodeStateId))?;
    let limit = usize::try_from(window.limit).unwrap_or(0);
    // One more tells whether there is more.
    let most = limit as u64 + 1;
    let db = ctx.app().reader();
    let mut states = node::history(db, ctx.actor(), &node, window.after, most).await?;
    let has_more = states.len() > limit;
    states.truncate(limit);
    let states = states.into_iter();
    let states = states.map(|row| (List::NodeStates.cursor(row.id), row.into()));
    Ok(window.connection(has_more, states, NodeStateTotal { node }))
}

/// A rank of a task that was on a node.
#[derive(Debug, SimpleObject)]
pub(crate) struct TaskOnNode {
    /// Id of the task.
    task: ID,
    /// Name of the task.
    name: String,
    /// Name of its owner.
    user: String,
    /// Number of the run.
    run: i32,
    /// The rank.
    rank: i32,
    /// From when the node was the run's.
    from: DateTime<Utc>,
    /// Until when; null if it still is.
    until: Option<DateTime<Utc>>,
}

impl From<Located> for TaskOnNode {
    fn from(found: Located) -> Self {
        Self {
            task: ID(found.task.to_string()),
            name: found.name,
            user: found.owner,
            run: found.run,
            rank: found.rank,
            from: found.from,
            until: found.until,
        }
    }
}
