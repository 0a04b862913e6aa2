//! A rank through the adapter, as the platform leads it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use domain::clock::SystemClock;
use domain::runtime::{LaunchRank, Observation, RankKey, Runtime};
use k8s::KubernetesRuntime;
use k8s::object::Capacity;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::line_of;
use super::place::{AT_ONCE, LIMITS, Node, PATIENCE, Place};

const LOOK: Duration = Duration::from_millis(10);

pub(super) struct Adapter {
    runtime: KubernetesRuntime,
    /// There is news of the task of a line.
    news: Arc<Vec<Notify>>,
    _stop: DropGuard,
}

/// The nodes that are ours and ready, as many as there are ranks at a time.
pub(super) async fn nodes(place: &Place) -> Result<Vec<Node>> {
    let adapter = Adapter::start(place).await?;
    let mut nodes = adapter.runtime.nodes().await?;
    nodes.retain(|node| node.ready);
    nodes.truncate(AT_ONCE);
    ensure!(!nodes.is_empty(), "none of our nodes is ready");
    let node = nodes.into_iter().map(|node| Node {
        name: node.name,
        capacity: Capacity {
            millicpus: u64::from(node.cpus) * 1000,
            memory_bytes: node.memory_bytes,
            gpus: node.gpus,
        },
    });
    Ok(node.collect())
}

impl Adapter {
    /// Starts it, and waits until it knows the cluster.
    pub(super) async fn start(place: &Place) -> Result<Self> {
        let stop = CancellationToken::new();
        let news: Arc<Vec<Notify>> = Arc::new((0..AT_ONCE).map(|_| Notify::new()).collect());
        let of_lines = Arc::clone(&news);
        let runtime = KubernetesRuntime::start(
            &place.client,
            place.cluster.clone(),
            LIMITS,
            Arc::new(SystemClock),
            move |task| of_lines[line_of(task)].notify_one(),
            &TaskTracker::new(),
            &stop,
        );
        let known = timeout(PATIENCE, async {
            while runtime.nodes().await.is_err() || runtime.list().await.is_err() {
                sleep(LOOK).await;
            }
        });
        known.await.context("the cluster says nothing")?;
        Ok(Self {
            runtime,
            news,
            _stop: stop.drop_guard(),
        })
    }

    /// Starts a rank, waits for its end, and forgets it. Answers how long its start took, which ends when the API server
    /// has said that there is a pod.
    pub(super) async fn lead(self: Arc<Self>, launch: LaunchRank) -> Result<Duration> {
        let begun = Instant::now();
        self.runtime.start(&launch).await?;
        let took = begun.elapsed();
        let ended = timeout(PATIENCE, self.ended(&launch.key)).await;
        ended.with_context(|| {
            format!(
                "the pod of {} does not end: do the kubelets end pods by themselves?",
                launch.key
            )
        })??;
        self.runtime.forget(&launch.key).await?;
        Ok(took)
    }

    async fn ended(&self, rank: &RankKey) -> Result<()> {
        loop {
            match self.runtime.observe(rank).await? {
                Observation::Exited(_) | Observation::Vanished => return Ok(()),
                Observation::Alive | Observation::Stuck(_) => {}
                seen @ (Observation::NotStarted | Observation::Orphaned | Observation::Fenced) => {
                    bail!("{rank} was started, and is {seen:?}")
                }
            }
            self.news[line_of(rank.task)].notified().await;
        }
    }
}
