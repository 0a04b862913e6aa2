//! The port through which the platform runs ranks.

use std::error::Error;

use async_trait::async_trait;

use super::{LaunchRank, Observation, RankEvent, RankKey, RunKey};
use crate::mount::ResolvedMount;

/// A place where ranks run. Every method is idempotent, also across a crash of the platform at any point, and fails
/// with [`RuntimeError::Unavailable`] when it could not do its work, which then may be half done.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// What kind of place it is.
    fn kind(&self) -> RuntimeKind;

    /// The nodes as they are now.
    async fn nodes(&self) -> Result<Vec<NodeReport>, RuntimeError>;

    /// Hears which nodes administrators have taken out of use; all others are in use. It starts nothing on its own: this is for
    /// whoever looks at the place by other means, as at a cluster.
    async fn take_out_of_use(&self, _nodes: &[String]) -> Result<(), RuntimeError> {
        Ok(())
    }

    /// Where the ranks of a run on `nodes` (rank 0 first) can meet.
    async fn rendezvous(&self, run: &RunKey, nodes: &[String]) -> Result<Rendezvous, RuntimeError>;

    /// Starts the agent of a rank, unless it was started before, whatever became of it. Rejected if the launch can
    /// never work here, for example on a node that does not exist.
    async fn start(&self, launch: &LaunchRank) -> Result<(), RuntimeError>;

    /// The same for many ranks, in their order. Adapters that prepare something for a whole run do it once.
    async fn start_all(&self, launches: &[LaunchRank]) -> Vec<Result<(), RuntimeError>> {
        let mut started = Vec::with_capacity(launches.len());
        for launch in launches {
            started.push(self.start(launch).await);
        }
        started
    }

    /// What became of a rank.
    async fn observe(&self, rank: &RankKey) -> Result<Observation, RuntimeError>;

    /// What became of many ranks, in their order. Adapters that look at everything anyway look once for all of them.
    async fn observe_all(&self, ranks: &[RankKey]) -> Vec<Result<Observation, RuntimeError>> {
        let mut seen = Vec::with_capacity(ranks.len());
        for rank in ranks {
            seen.push(self.observe(rank).await);
        }
        seen
    }

    /// Kills the agent and every process of a rank at once, and says whether none is left. If some may be, it is to be asked
    /// again after a moment.
    async fn kill(&self, rank: &RankKey) -> Result<Killed, RuntimeError>;

    /// What went wrong with ranks, in no order, as far back as the place remembers. One that remembers nothing has nothing to tell.
    async fn events(&self) -> Result<Vec<RankEvent>, RuntimeError> {
        Ok(Vec::new())
    }

    /// Every rank that has a process or a record here, in no order.
    async fn list(&self) -> Result<Vec<RankKey>, RuntimeError>;

    /// Removes what is recorded of a rank. Rejected while a process of it lives.
    async fn forget(&self, rank: &RankKey) -> Result<(), RuntimeError>;

    /// The same for many ranks, in their order. Adapters that look at everything anyway look once for all of them.
    async fn forget_all(&self, ranks: &[RankKey]) -> Vec<Result<(), RuntimeError>> {
        let mut forgotten = Vec::with_capacity(ranks.len());
        for rank in ranks {
            forgotten.push(self.forget(rank).await);
        }
        forgotten
    }

    /// What ranks see of mounts, in their order.
    async fn visibility(&self, mounts: &[ResolvedMount]) -> Result<Vec<Visibility>, RuntimeError>;
}

/// Kinds of runtimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeKind {
    /// Processes of this machine.
    Local,
    /// Pods of a Kubernetes cluster.
    Kubernetes,
}

impl RuntimeKind {
    /// Whether each rank has an image and mounts of its own.
    pub fn has_containers(self) -> bool {
        match self {
            Self::Local => false,
            Self::Kubernetes => true,
        }
    }
}

/// How far the end of a rank has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it may not have ended"]
pub enum Killed {
    /// Nothing of it is left.
    Gone,
    /// Some of it may be left, and is ending.
    Going,
}

/// What ranks see of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// They see it.
    Visible,
    /// They see it, but nothing keeps them from writing except the permissions of the files.
    VisibleUnprotected,
    /// They do not: this runtime mounts nothing under another path.
    OtherPath,
    /// They do not: there is no such thing.
    Missing,
    /// They do not: this runtime has nothing of the kind.
    Unsupported,
}

impl Visibility {
    /// Whether they see it.
    pub fn is_visible(self) -> bool {
        matches!(self, Self::Visible | Self::VisibleUnprotected)
    }
}

/// What a runtime says about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    /// Unique name.
    pub name: String,
    /// Group that it belongs to.
    pub group: String,
    /// Zone within the group.
    pub zone: Option<String>,
    /// Whether ranks can be started on it.
    pub ready: bool,
    /// Number of logical processors.
    pub cpus: u32,
    /// Size of its memory in bytes.
    pub memory_bytes: u64,
    /// Number of GPUs.
    pub gpus: u32,
}

/// Where the ranks of a run meet: `MASTER_ADDR` and `MASTER_PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendezvous {
    /// Host name or address of rank 0, as the other ranks see it.
    pub addr: String,
    /// Port on which rank 0 can listen.
    pub port: u16,
}

/// A runtime did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// It could not, for now: try again later.
    #[error("the runtime failed to {action}")]
    Unavailable {
        /// What it failed to do.
        action: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It never will, as long as the same is asked in the same situation.
    #[error("{reason}")]
    Rejected {
        /// Why.
        reason: String,
    },
}

impl RuntimeError {
    /// A failure that may pass. `action` completes "failed to …".
    pub fn unavailable(
        action: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            action: action.into(),
            source: source.into(),
        }
    }

    /// A refusal.
    pub fn rejected(reason: impl Into<String>) -> Self {
        Self::Rejected {
            reason: reason.into(),
        }
    }
}
