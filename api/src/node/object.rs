//! A node as clients see it.

use async_graphql::{Context, Enum, Object, Result};
use domain::auth::{Action, Target, may};
use domain::node::{self, NodeView};

use crate::context::Access;
use crate::loaders::TaskOf;
use crate::scalar::Long;
use crate::task::Task;

/// Whether tasks may start on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum NodeStatus {
    /// It may take tasks.
    Ready,
    /// It is out of order, or its machine does not answer.
    NotReady,
}

impl From<node::Status> for NodeStatus {
    fn from(status: node::Status) -> Self {
        match status {
            node::Status::Ready => Self::Ready,
            node::Status::NotReady => Self::NotReady,
        }
    }
}

impl From<NodeStatus> for node::Status {
    fn from(status: NodeStatus) -> Self {
        match status {
            NodeStatus::Ready => Self::Ready,
            NodeStatus::NotReady => Self::NotReady,
        }
    }
}

/// A node with its task, which is fetched if somebody asks.
#[derive(Debug)]
pub(crate) struct Node(pub(super) NodeView);

/// A machine that tasks run on, as the runtime reports it.
#[Object]
impl Node {
    /// Unique name.
    async fn name(&self) -> &str {
        &self.0.host.name
    }

    /// Node group.
    async fn group(&self) -> &str {
        &self.0.host.group_name
    }

    /// Zone within the group.
    async fn zone(&self) -> Option<&str> {
        self.0.host.zone.as_deref()
    }

    /// Whether tasks may start on it.
    async fn status(&self) -> NodeStatus {
        self.0.status.into()
    }

    /// Number of processors.
    async fn cpus(&self) -> i32 {
        self.0.host.cpus
    }

    /// Size of its memory in bytes.
    async fn memory_bytes(&self) -> Long {
        Long(self.0.host.memory_bytes)
    }

    /// Number of GPUs.
    async fn gpus(&self) -> i32 {
        self.0.host.gpus
    }

    /// The task that holds it; null if none does, or one that you may not see.
    async fn task(&self, ctx: &Context<'_>) -> Result<Option<Task>> {
        let Some(run_id) = self.0.run_id else {
            return Ok(None);
        };
        let row = ctx.loaders().load(TaskOf(run_id)).await?;
        let row = row.filter(|row| may(ctx.actor(), Action::ReadTask, Target::Of(row.user_id)));
        Ok(row.map(Task::from))
    }
}
