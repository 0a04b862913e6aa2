//! For processes that only answer people: others drive the cluster, and these may do nothing there.

use async_trait::async_trait;
use domain::mount::ResolvedMount;
use domain::runtime::{
    Killed, LaunchRank, NodeReport, Observation, RankKey, Rendezvous, RunKey, Runtime,
    RuntimeError, RuntimeKind, Visibility,
};

/// A cluster that other processes drive.
#[derive(Debug, Clone, Copy)]
pub struct Elsewhere;

fn not_here<T>(action: &str) -> Result<T, RuntimeError> {
    let why = "this process only answers: another one drives the cluster";
    Err(RuntimeError::unavailable(action, why))
}

#[async_trait]
impl Runtime for Elsewhere {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Kubernetes
    }

    async fn nodes(&self) -> Result<Vec<NodeReport>, RuntimeError> {
        not_here("list the nodes")
    }

    async fn rendezvous(&self, _: &RunKey, _: &[String]) -> Result<Rendezvous, RuntimeError> {
        not_here("say where ranks meet")
    }

    async fn start(&self, _: &LaunchRank) -> Result<(), RuntimeError> {
        not_here("start a rank")
    }

    async fn observe(&self, _: &RankKey) -> Result<Observation, RuntimeError> {
        not_here("look at a rank")
    }

    async fn kill(&self, _: &RankKey) -> Result<Killed, RuntimeError> {
        not_here("end a rank")
    }

    async fn list(&self) -> Result<Vec<RankKey>, RuntimeError> {
        not_here("list the ranks")
    }

    async fn forget(&self, _: &RankKey) -> Result<(), RuntimeError> {
        not_here("forget a rank")
    }

    /// As in [`super::KubernetesRuntime`].
    async fn visibility(&self, mounts: &[ResolvedMount]) -> Result<Vec<Visibility>, RuntimeError> {
        Ok(vec![Visibility::Visible; mounts.len()])
    }
}
