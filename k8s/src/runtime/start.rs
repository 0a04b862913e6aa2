//! Starting ranks: first the Secret of their run, then what exposes them, then their pods.

use domain::runtime::{LaunchRank, RuntimeError};
use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Secret;

use super::{KubernetesRuntime, same};
use crate::nodes::Nodes;
use crate::object::{Capacity, ObjectError, exposed, pod, secret};
use crate::pods::Pods;
use crate::storage;

impl KubernetesRuntime {
    /// Starts ranks of one run, with a result for each.
    pub(super) async fn start_run(
        &self,
        launches: &[&LaunchRank],
    ) -> Vec<Result<(), RuntimeError>> {
        let prepared = launches.iter().map(|launch| self.prepare(launch));
        let prepared = join_all(prepared).await;
        let missing = { launches.iter().zip(&prepared) }
            .filter_map(|(launch, prepared)| matches!(prepared, Ok(Some(_))).then_some(*launch));
        let anchor = self.anchor(&missing.collect::<Vec<_>>()).await;
        let started = launches.iter().zip(prepared);
        let started = started.map(async |(launch, prepared)| match (prepared?, &anchor) {
            (None, _) => Ok(()),
            (Some(capacity), Ok(anchor)) => self.start_rank(launch, capacity, anchor).await,
            (Some(_), Err(error)) => Err(same(error)),
        });
        join_all(started).await
    }

    /// Prepares the start of a rank, and says what its node has; none if it is not to be started.
    async fn prepare(&self, launch: &LaunchRank) -> Result<Option<Capacity>, RuntimeError> {
        let nodes = self.all_nodes()?;
        let capacity = self.known(|pods| capacity(launch, pods, &nodes))??;
        match capacity {
            Some(capacity) if storage::prepare(launch).await? => Ok(Some(capacity)),
            _ => Ok(None),
        }
    }

    /// The Secret of the run of these ranks, with what they need; none is made for no ranks.
    async fn anchor(&self, launches: &[&LaunchRank]) -> Result<Secret, RuntimeError> {
        if launches.is_empty() {
            return Ok(Secret::default());
        }
        let wanted = secret(&self.cluster, launches, self.log).map_err(never)?;
        self.calls.ensure_secret(&wanted).await
    }

    async fn start_rank(
        &self,
        launch: &LaunchRank,
        capacity: Capacity,
        anchor: &Secret,
    ) -> Result<(), RuntimeError> {
        let wanted = pod(&self.cluster, launch, capacity, anchor).map_err(never)?;
        // Before the pod, for whoever finds that looks no further.
        let outside = exposed(&self.cluster, launch, anchor);
        self.calls.expose(&outside).await?;
        let created = self.calls.ensure_pod(&wanted).await?;
        self.pods.send_modify(|pods| pods.created(&created));
        Ok(())
    }
}

/// What the node of a rank has; none if the rank was started before, whatever became of it.
fn capacity(
    launch: &LaunchRank,
    pods: &Pods,
    nodes: &Nodes,
) -> Result<Option<Capacity>, RuntimeError> {
    let LaunchRank {
        key,
        node,
        run_world_size,
        ..
    } = launch;
    if pods.get(key).is_some() || pods.is_fenced(key) {
        return Ok(None);
    }
    if key.rank >= *run_world_size {
        let reason = format!("rank {key} is not one of {run_world_size}");
        return Err(RuntimeError::rejected(reason));
    }
    let capacity = nodes.capacity(node).ok_or_else(|| {
        RuntimeError::rejected(format!("the cluster has no node `{node}` for us"))
    })?;
    Ok(Some(capacity))
}

/// As it is, it cannot be made, however often that is tried.
fn never(error: ObjectError) -> RuntimeError {
    RuntimeError::rejected(error.to_string())
}
