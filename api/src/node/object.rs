//! A node as clients see it.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::auth::{Action, Target, may};
use domain::node::{self, NodeView};

use crate::context::Access;
use crate::loaders::TaskOf;
use crate::scalar::Long;
use crate::task::Task;

/// What the runtime says of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum NodeStatus {
    /// It may take tasks, unless somebody has disabled it.
    Ready,
    /// It is out of order, its machine does not answer, or it was never reported.
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

/// Who took a node from the scheduler.
#[derive(Debug, SimpleObject)]
pub(crate) struct NodeDisabled {
    /// Since when.
    at: DateTime<Utc>,
    /// Name of the user who did it; null for guests.
    by: Option<String>,
    /// Why; null for guests.
    why: Option<String>,
}

/// A machine that tasks run on: what the inventory says, and what the runtime reports.
#[Object]
impl Node {
    /// Unique name; for guests a mask, the same one wherever that node is named.
    async fn name(&self) -> &str {
        &self.0.host.name
    }

    /// Node group.
    async fn group(&self) -> &str {
        &self.0.host.group_name
    }

    /// Where the group stands in the tree of groups, with dots.
    async fn group_path(&self) -> &str {
        self.0.group_path()
    }

    /// Zone within the group.
    async fn zone(&self) -> Option<&str> {
        self.0.host.zone.as_deref()
    }

    /// What the runtime says of it.
    async fn status(&self) -> NodeStatus {
        self.0.status.into()
    }

    /// Who took it from the scheduler; null if nobody did. A task that it has goes on.
    async fn disabled(&self) -> Option<NodeDisabled> {
        let host = &self.0.host;
        Some(NodeDisabled {
            at: host.disabled_at?,
            by: host.disabled_by.clone(),
            why: host.disabled_why.clone(),
        })
    }

    /// Why it takes no tasks, in a sentence; null if it does.
    async fn reason(&self) -> Option<String> {
        self.0.reason()
    }

    /// What kind of machine it is, for example `gpu` or `cpu`.
    async fn kind(&self) -> &str {
        &self.0.host.kind
    }

    /// What it is for, for example `training`.
    async fn purpose(&self) -> &str {
        &self.0.host.purpose
    }

    /// Words of administrators about it, at most 50; none for guests.
    async fn flags(&self) -> &[String] {
        &self.0.host.flags.0
    }

    /// Where it stands; null for guests.
    async fn room(&self) -> Option<&str> {
        self.0.host.room.as_deref()
    }

    /// The switch that joins leaves; null for guests.
    async fn spine(&self) -> Option<&str> {
        self.0.host.spine.as_deref()
    }

    /// The switch that it hangs on; null for guests.
    async fn leaf(&self) -> Option<&str> {
        self.0.host.leaf.as_deref()
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
        let row = row.filter(|row| may(ctx.actor(), Action::ReadTask, Target::from(row)));
        Ok(row.map(Task::from))
    }
}
