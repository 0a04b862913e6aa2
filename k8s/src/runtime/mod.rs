//! The adapter: ranks as pods.

mod forget;
mod start;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::Clock;
use domain::mount::ResolvedMount;
use domain::runtime::{
    LaunchRank, NodeReport, Observation, RankKey, Rendezvous, RunKey, Runtime, RuntimeError,
    RuntimeKind, Visibility,
};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use protocol::LogLimits;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::Calls;
use crate::cluster::Cluster;
use crate::names;
use crate::nodes::{self, ClusterNode};
use crate::pods::{Pods, is_over};
use crate::watcher;

/// How long a kill waits until the kubelet says that it is done.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs ranks as pods.
pub struct KubernetesRuntime {
    cluster: Cluster,
    log: LogLimits,
    clock: Arc<dyn Clock>,
    calls: Calls,
    pods: watch::Sender<Pods>,
    nodes: Arc<Mutex<Option<BTreeMap<String, Node>>>>,
}

impl std::fmt::Debug for KubernetesRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KubernetesRuntime({})", self.cluster.namespace)
    }
}

impl KubernetesRuntime {
    /// A runtime that begins to watch the cluster, and does so until the token is cancelled.
    pub fn start(
        client: &Client,
        cluster: Cluster,
        log: LogLimits,
        clock: Arc<dyn Clock>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let calls = Calls::new(client, &cluster.namespace);
        let pods = watch::Sender::new(Pods::default());
        let nodes = Arc::new(Mutex::default());
        tracker.spawn(watcher::pods(
            calls.pods.clone(),
            pods.clone(),
            stop.clone(),
        ));
        tracker.spawn(watcher::nodes(
            calls.nodes.clone(),
            Arc::clone(&nodes),
            stop.clone(),
        ));
        Self {
            cluster,
            log,
            clock,
            calls,
            pods,
            nodes,
        }
    }

    /// The nodes that are ours, by name.
    fn cluster_nodes(&self) -> Result<BTreeMap<String, ClusterNode>, RuntimeError> {
        // No step leaves it half changed, so a panic elsewhere does not matter.
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(nodes) = nodes.as_ref() else {
            return Err(RuntimeError::unavailable(
                "list the nodes",
                "the cluster has not told of them yet",
            ));
        };
        let now = self.clock.now();
        let now = Timestamp::from_microsecond(now.timestamp_micros())
            .map_err(|error| RuntimeError::unavailable("read the clock", error))?;
        let read = |node| {
            nodes::read(
                node,
                &self.cluster.group_label,
                &self.cluster.gpu_resource,
                now,
            )
        };
        Ok(nodes
            .values()
            .filter_map(read)
            .map(|node| (node.report.name.clone(), node))
            .collect())
    }

    /// The pods, once the cluster has told of all.
    fn known<T>(&self, look: impl FnOnce(&Pods) -> T) -> Result<T, RuntimeError> {
        let pods = self.pods.borrow();
        match pods.is_complete() {
            true => Ok(look(&pods)),
            false => Err(RuntimeError::unavailable(
                "look at the pods",
                "the cluster has not told of them yet",
            )),
        }
    }
}

#[async_trait]
impl Runtime for KubernetesRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Kubernetes
    }

    async fn nodes(&self) -> Result<Vec<NodeReport>, RuntimeError> {
        let nodes = self.cluster_nodes()?;
        Ok(nodes.into_values().map(|node| node.report).collect())
    }

    async fn rendezvous(
        &self,
        run: &RunKey,
        _nodes: &[String],
    ) -> Result<Rendezvous, RuntimeError> {
        let master = RankKey {
            task: run.task,
            run: run.run,
            rank: 0,
        };
        Ok(Rendezvous {
            addr: format!("{}.{}", names::pod(&master), names::SERVICE),
            port: names::MASTER_PORT,
        })
    }

    async fn start(&self, launch: &LaunchRank) -> Result<(), RuntimeError> {
        let mut started = self.start_run(&[launch]).await;
        started.pop().unwrap_or(Ok(()))
    }

    async fn start_all(&self, launches: &[LaunchRank]) -> Vec<Result<(), RuntimeError>> {
        let mut results: Vec<Option<Result<(), RuntimeError>>> = Vec::new();
        results.resize_with(launches.len(), || None);
        let mut runs: BTreeMap<RunKey, Vec<usize>> = BTreeMap::new();
        for (place, launch) in launches.iter().enumerate() {
            runs.entry(launch.key.run_key()).or_default().push(place);
        }
        for places in runs.into_values() {
            let of_run: Vec<&LaunchRank> = places.iter().map(|place| &launches[*place]).collect();
            for (place, result) in places.iter().zip(self.start_run(&of_run).await) {
                results[*place] = Some(result);
            }
        }
        results
            .into_iter()
            .map(|result| result.unwrap_or(Ok(())))
            .collect()
    }

    async fn observe(&self, rank: &RankKey) -> Result<Observation, RuntimeError> {
        let known = self.known(|pods| {
            let seen = pods.observe(rank)?;
            // Nobody saw it end, and nobody sees it any more.
            let is_lost = !pods.is_there(rank) && !is_over(seen);
            Some(if is_lost {
                Observation::Orphaned
            } else {
                seen.clone()
            })
        })?;
        if let Some(seen) = known {
            return Ok(seen);
        }
        // What was prepared for it goes last.
        Ok(match self.calls.has_secret(&rank.run_key()).await? {
            true => Observation::Vanished,
            false => Observation::NotStarted,
        })
    }

    async fn kill(&self, rank: &RankKey) -> Result<(), RuntimeError> {
        let (is_over, uid) =
            self.known(|pods| (pods.is_over(rank), pods.uid(rank).map(str::to_owned)))?;
        if is_over {
            return Ok(());
        }
        let Some(uid) = uid else {
            return Err(RuntimeError::unavailable(
                format!("end rank {rank}"),
                "its pod was removed before its kubelet said that it had ended",
            ));
        };
        self.calls.delete_pod(rank, &uid).await?;
        let mut pods = self.pods.subscribe();
        let over = pods.wait_for(|pods| pods.is_over(rank));
        match timeout(PATIENCE, over).await {
            Ok(_) => Ok(()),
            Err(_) => Err(RuntimeError::unavailable(
                format!("end rank {rank}"),
                "its kubelet does not say that its containers have ended",
            )),
        }
    }

    async fn list(&self) -> Result<Vec<RankKey>, RuntimeError> {
        self.known(|pods| pods.keys().collect())
    }

    async fn forget(&self, rank: &RankKey) -> Result<(), RuntimeError> {
        let mut forgotten = self.forget_run(&rank.run_key(), &[*rank]).await;
        forgotten.pop().unwrap_or(Ok(()))
    }

    async fn forget_all(&self, ranks: &[RankKey]) -> Vec<Result<(), RuntimeError>> {
        let mut results: BTreeMap<RankKey, Result<(), RuntimeError>> = BTreeMap::new();
        let mut runs: BTreeMap<RunKey, Vec<RankKey>> = BTreeMap::new();
        for rank in ranks {
            runs.entry(rank.run_key()).or_default().push(*rank);
        }
        for (run, keys) in runs {
            let forgotten = self.forget_run(&run, &keys).await;
            results.extend(keys.into_iter().zip(forgotten));
        }
        ranks
            .iter()
            .map(|rank| results.remove(rank).unwrap_or(Ok(())))
            .collect()
    }

    /// Whether a directory is there, only its node knows.
    async fn visibility(&self, mounts: &[ResolvedMount]) -> Result<Vec<Visibility>, RuntimeError> {
        Ok(vec![Visibility::Visible; mounts.len()])
    }
}

/// The same failure once more, for another rank.
fn same(error: &RuntimeError, why: &str) -> RuntimeError {
    match error {
        RuntimeError::Rejected { .. } => RuntimeError::rejected(why),
        RuntimeError::Unavailable { action, .. } => RuntimeError::unavailable(action.clone(), why),
    }
}
