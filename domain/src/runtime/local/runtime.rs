//! The local adapter of the port: puts the blocking work on ranks where it may block.

use std::panic::resume_unwind;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::process::Child;
use tokio::select;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::mount::visibility;
use super::ports::Ports;
use super::ranks::Ranks;
use super::{LocalConfig, machine};
use crate::mount::ResolvedMount;
use crate::runtime::{
    Killed, LaunchRank, NodeReport, Observation, RankKey, Rendezvous, RunKey, Runtime,
    RuntimeError, RuntimeKind, Visibility,
};

/// Runs ranks as processes of this machine.
#[derive(Debug)]
pub struct LocalRuntime {
    ranks: Arc<Ranks>,
    ports: Ports,
    /// Work on the ranks, and one waiter per agent that we started, so that none stays a zombie.
    pub(super) tasks: TaskTracker,
    closing: CancellationToken,
}

impl LocalRuntime {
    /// A runtime for the ranks of a data directory. There must not be two of one directory at a time.
    ///
    /// # Errors
    /// Unavailable, if the directory does not exist or cannot be written.
    pub fn new(config: LocalConfig) -> Result<Self, RuntimeError> {
        Ok(Self {
            ranks: Arc::new(Ranks::open(config)?),
            ports: Ports::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        })
    }

    /// Ends what the adapter itself does. The agents live on.
    pub async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn on_ranks<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ranks) -> Result<T, RuntimeError> + Send + 'static,
    ) -> Result<T, RuntimeError> {
        let ranks = Arc::clone(&self.ranks);
        match self.tasks.spawn_blocking(move || work(&ranks)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => Err(RuntimeError::unavailable("work during the shutdown", error)),
            },
        }
    }

    /// Work on many ranks, with a result for each.
    async fn on_each<T: Send + 'static>(
        &self,
        keys: &[RankKey],
        work: impl FnOnce(&Ranks, &[RankKey]) -> Vec<Result<T, RuntimeError>> + Send + 'static,
    ) -> Vec<Result<T, RuntimeError>> {
        let taken = keys.to_vec();
        match self.on_ranks(move |ranks| Ok(work(ranks, &taken))).await {
            Ok(results) => results,
            // The work does not fail as a whole, but it may be dropped.
            Err(error) => {
                tracing::debug!(%error, "the work on some ranks was dropped");
                let dropped = || RuntimeError::unavailable("work on ranks", "shutting down");
                keys.iter().map(|_| Err(dropped())).collect()
            }
        }
    }
}

#[async_trait]
impl Runtime for LocalRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Local
    }

    async fn nodes(&self) -> Result<Vec<NodeReport>, RuntimeError> {
        self.on_ranks(|ranks| {
            machine::nodes(&ranks.config)
                .map_err(|error| RuntimeError::unavailable("look at this machine", error))
        })
        .await
    }

    async fn rendezvous(
        &self,
        run: &RunKey,
        _nodes: &[String],
    ) -> Result<Rendezvous, RuntimeError> {
        let port = self.ports.of(run);
        let port = port.map_err(|error| RuntimeError::unavailable("find a free port", error))?;
        Ok(Rendezvous {
            addr: "127.0.0.1".to_owned(),
            port,
        })
    }

    async fn start(&self, launch: &LaunchRank) -> Result<(), RuntimeError> {
        let launch = launch.clone();
        let (tasks, closing) = (self.tasks.clone(), self.closing.clone());
        self.on_ranks(move |ranks| {
            if let Some(agent) = ranks.start(&launch)? {
                tasks.spawn(reap(agent, launch.key, closing));
            }
            Ok(())
        })
        .await
    }

    async fn observe(&self, rank: &RankKey) -> Result<Observation, RuntimeError> {
        let rank = *rank;
        self.on_ranks(move |ranks| ranks.inspect(&rank)).await
    }

    async fn observe_all(&self, ranks: &[RankKey]) -> Vec<Result<Observation, RuntimeError>> {
        self.on_each(ranks, |ranks, keys| ranks.inspect_all(keys))
            .await
    }

    async fn kill(&self, rank: &RankKey) -> Result<Killed, RuntimeError> {
        let rank = *rank;
        let killed = self.on_ranks(move |ranks| ranks.kill(&rank)).await;
        killed.map(|()| Killed::Gone)
    }

    async fn list(&self) -> Result<Vec<RankKey>, RuntimeError> {
        self.on_ranks(|ranks| ranks.list()).await
    }

    async fn forget(&self, rank: &RankKey) -> Result<(), RuntimeError> {
        let mut forgotten = self.forget_all(&[*rank]).await;
        forgotten.pop().unwrap_or(Ok(()))
    }

    async fn forget_all(&self, ranks: &[RankKey]) -> Vec<Result<(), RuntimeError>> {
        self.on_each(ranks, |ranks, keys| ranks.forget_all(keys))
            .await
    }

    async fn visibility(&self, mounts: &[ResolvedMount]) -> Result<Vec<Visibility>, RuntimeError> {
        let mounts = mounts.to_vec();
        self.on_ranks(move |_| Ok(mounts.iter().map(visibility).collect()))
            .await
    }
}

/// Takes the agent's exit status from the kernel. What the end means is told by its records, not by its status.
async fn reap(mut agent: Child, rank: RankKey, closing: CancellationToken) {
    select! {
        status = agent.wait() => match status {
            Ok(status) => tracing::debug!(%rank, %status, "the agent of rank {rank} has left"),
            Err(error) => tracing::warn!(%rank, %error, "the agent of rank {rank} cannot be waited for"),
        },
        () = closing.cancelled() => {}
    }
}
