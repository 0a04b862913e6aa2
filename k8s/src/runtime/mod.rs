//! The adapter: ranks as pods.

mod forget;
mod kill;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::clock::Clock;
use domain::mount::ResolvedMount;
use domain::runtime::{
    Killed, LaunchRank, NodeReport, Observation, RankEvent, RankKey, Rendezvous, RunKey, Runtime,
    RuntimeError, RuntimeKind, Visibility,
};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use protocol::LogLimits;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::kill::Fence;
use crate::api::Calls;
use crate::cluster::Cluster;
use crate::events::Warnings;
use crate::nodes::Nodes;
use crate::pods::{Pods, is_over};
use crate::{names, watcher};

/// Runs ranks as pods.
pub struct KubernetesRuntime {
    cluster: Cluster,
    log: LogLimits,
    clock: Arc<dyn Clock>,
    calls: Calls,
    pods: watch::Sender<Pods>,
    nodes: watch::Sender<Arc<Nodes>>,
    warnings: watch::Sender<Warnings>,
    /// Fences that are raised.
    fences: Mutex<BTreeMap<RankKey, Fence>>,
}

/// Nodes that are given up, as far as the cluster has told of nodes.
struct Silent {
    nodes: Arc<Nodes>,
    given_up: BTreeSet<String>,
}

impl Silent {
    /// Whether nothing more is expected of a node. One that is no node of the cluster any more says nothing either.
    fn has(&self, node: &str) -> bool {
        self.given_up.contains(node) || !self.nodes.has(node)
    }
}

impl std::fmt::Debug for KubernetesRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KubernetesRuntime({})", self.cluster.namespace)
    }
}

impl KubernetesRuntime {
    /// A runtime that begins to watch the cluster, and does so until the token is cancelled. It tells of which tasks there is
    /// news.
    pub fn start(
        client: &Client,
        cluster: Cluster,
        log: LogLimits,
        clock: Arc<dyn Clock>,
        tell: impl Fn(i64) + Send + Sync + 'static,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let calls = Calls::new(client, &cluster.namespace);
        let pods = watch::Sender::new(Pods::default());
        let nodes = watch::Sender::new(Arc::<Nodes>::default());
        tracker.spawn(watcher::pods(
            calls.pods.clone(),
            pods.clone(),
            tell,
            stop.clone(),
        ));
        tracker.spawn(watcher::nodes(
            calls.nodes.clone(),
            cluster.clone(),
            nodes.clone(),
            stop.clone(),
        ));
        let warnings = watch::Sender::new(Warnings::new());
        tracker.spawn(watcher::events(
            calls.events.clone(),
            warnings.clone(),
            stop.clone(),
        ));
        Self {
            cluster,
            log,
            clock,
            calls,
            pods,
            nodes,
            warnings,
            fences: Mutex::default(),
        }
    }

    /// Waits until the cluster has told of all nodes and pods.
    pub async fn is_known(&self) {
        let (mut pods, mut nodes) = (self.pods.subscribe(), self.nodes.subscribe());
        // Neither ends while this is there.
        let _ = pods.wait_for(Pods::is_complete).await;
        let _ = nodes.wait_for(|nodes| nodes.is_complete()).await;
    }

    /// The nodes of the cluster, once it has told of them.
    fn all_nodes(&self) -> Result<Arc<Nodes>, RuntimeError> {
        let nodes = Arc::clone(&self.nodes.borrow());
        match nodes.is_complete() {
            true => Ok(nodes),
            false => Err(RuntimeError::unavailable(
                "list the nodes",
                "the cluster has not told of them yet",
            )),
        }
    }

    fn now(&self) -> Result<Timestamp, RuntimeError> {
        Timestamp::from_microsecond(self.clock.now().timestamp_micros())
            .map_err(|error| RuntimeError::unavailable("read the clock", error))
    }

    /// The nodes from which nothing is expected any more.
    fn silent(&self) -> Result<Silent, RuntimeError> {
        let nodes = self.all_nodes()?;
        let given_up = nodes.silent(self.now()?, self.cluster.give_up_after);
        Ok(Silent { nodes, given_up })
    }

    /// What became of a rank of which no pod is known: what was prepared for it goes last, and until then somebody may have
    /// removed its pod while it ran.
    async fn without_pod(
        &self,
        rank: &RankKey,
        anchors: &mut BTreeMap<RunKey, bool>,
    ) -> Result<Observation, RuntimeError> {
        let run = rank.run_key();
        let is_there = match anchors.get(&run) {
            Some(is_there) => *is_there,
            None => self.calls.secret(&run).await?.is_some(),
        };
        anchors.insert(run, is_there);
        Ok(match is_there {
            true => Observation::Orphaned,
            false => Observation::NotStarted,
        })
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
        let (nodes, now) = (self.all_nodes()?, self.now()?);
        self.known(|pods| {
            let unswept = pods.unswept();
            let swept = |mut report: NodeReport| {
                report.ready &= !unswept.contains(report.name.as_str());
                report
            };
            nodes.reports(now).map(swept).collect()
        })
    }

    async fn take_out_of_use(&self, disabled: &[String]) -> Result<(), RuntimeError> {
        let disabled: BTreeSet<&str> = disabled.iter().map(String::as_str).collect();
        for (name, order) in self.all_nodes()?.orders(&disabled) {
            self.calls.change_node(&name, &order).await?;
        }
        Ok(())
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
        let mut seen = self.observe_all(&[*rank]).await;
        seen.pop().unwrap_or(Ok(Observation::NotStarted))
    }

    async fn observe_all(&self, ranks: &[RankKey]) -> Vec<Result<Observation, RuntimeError>> {
        let silent = match self.silent() {
            Ok(silent) => silent,
            Err(error) => {
                return ranks.iter().map(|_| Err(same(&error))).collect();
            }
        };
        let mut anchors: BTreeMap<RunKey, bool> = BTreeMap::new();
        let mut all = Vec::with_capacity(ranks.len());
        for rank in ranks {
            let seen = match self.known(|pods| see(pods, rank, &silent)) {
                Ok(Some(seen)) => Ok(seen),
                Ok(None) => self.without_pod(rank, &mut anchors).await,
                Err(error) => Err(error),
            };
            all.push(seen);
        }
        all
    }

    async fn kill(&self, rank: &RankKey) -> Result<Killed, RuntimeError> {
        self.end(rank).await
    }

    async fn events(&self) -> Result<Vec<RankEvent>, RuntimeError> {
        Ok(self.warnings.borrow().values().cloned().collect())
    }

    async fn list(&self) -> Result<Vec<RankKey>, RuntimeError> {
        self.known(|pods| pods.keys().into_iter().collect())
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

/// What is seen of a rank, if a pod of it is known.
fn see(pods: &Pods, rank: &RankKey, silent: &Silent) -> Option<Observation> {
    if pods.is_fenced(rank) {
        return Some(Observation::Fenced);
    }
    let pod = pods.get(rank)?;
    // Nobody saw it end, and nobody sees it any more.
    let is_lost = !is_over(&pod.seen) && (!pod.is_there || silent.has(&pod.node));
    Some(match is_lost {
        true => Observation::Orphaned,
        false => pod.seen.clone(),
    })
}

/// The same failure once more, for another rank.
pub(crate) fn same(error: &RuntimeError) -> RuntimeError {
    match error {
        RuntimeError::Rejected { reason } => RuntimeError::rejected(reason),
        RuntimeError::Unavailable { action, source } => {
            RuntimeError::unavailable(action, source.to_string())
        }
    }
}
