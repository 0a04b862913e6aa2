//! A cluster for tests: the double, and its kubelets.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::clock::SystemClock;
use domain::runtime::contract::{Subject, sample_launch};
use domain::runtime::fake::exit_record;
use domain::runtime::{LaunchRank, Observation, RankKey, Runtime};
use double::{Double, End, Key, Kind};
use k8s::KubernetesRuntime;
use kube::{Client, Config};
use protocol::{ExitRecord, LogLimits};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

const NAMESPACE: &str = "hai-tasks";
const LIMITS: LogLimits = LogLimits {
    segment_bytes: 8 << 20,
    budget_bytes: 1 << 30,
};
/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Cluster {
    pub(crate) runtime: Arc<KubernetesRuntime>,
    pub(crate) double: Arc<Double>,
    _stop: DropGuard,
    kubelet: JoinSet<()>,
    logs: TempDir,
}

impl Cluster {
    /// A cluster of two nodes that everything is known of.
    pub(crate) async fn new() -> Self {
        Self::with_nodes(&["n1", "n2"], "training").await
    }

    /// A cluster with these nodes, all in one group.
    pub(crate) async fn with_nodes(names: &[&str], group: &str) -> Self {
        let double = Arc::new(Double::start().await.expect("a port is free"));
        for name in names {
            double
                .add_node(name, &[("hai_mars_group", group)])
                .expect("the double does it");
        }
        let stop = CancellationToken::new();
        let runtime = Arc::new(runtime(&double, &stop));
        let mut cluster = Self {
            runtime,
            double,
            _stop: stop.drop_guard(),
            kubelet: JoinSet::new(),
            logs: tempfile::tempdir().expect("there is room for a directory"),
        };
        cluster.start_kubelets();
        let knows = async |runtime: &KubernetesRuntime| {
            runtime.list().await.is_ok() && runtime.nodes().await.is_ok()
        };
        cluster.until(knows).await;
        cluster
    }

    /// Kubelets begin to end pods that are to go.
    pub(crate) fn start_kubelets(&mut self) {
        let double = Arc::clone(&self.double);
        self.kubelet.spawn(end_what_is_to_go(double));
    }

    /// Nobody does so any more.
    pub(crate) async fn stop_kubelets(&mut self) {
        self.kubelet.shutdown().await;
    }

    /// Waits until something holds.
    #[expect(clippy::future_not_send, reason = "a test awaits it where it is")]
    pub(crate) async fn until(&self, holds: impl AsyncFn(&KubernetesRuntime) -> bool) {
        let waited = timeout(PATIENCE, async {
            while !holds(&self.runtime).await {
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("it does not come to that");
    }

    /// Waits until what is seen of a rank is as wanted.
    pub(crate) async fn sees(
        &self,
        rank: &RankKey,
        wanted: impl Fn(&Observation) -> bool + Send + Sync,
    ) {
        let waited = timeout(PATIENCE, async {
            loop {
                let seen = self.runtime.observe(rank).await;
                if seen.is_ok_and(|seen| wanted(&seen)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("it is never seen");
    }
}

/// The adapter, as a server would start it.
pub(crate) fn runtime(double: &Double, stop: &CancellationToken) -> KubernetesRuntime {
    let mut config = Config::new(double.url().parse().expect("it is an address"));
    config.default_retry = false;
    let client = Client::try_from(config);
    let cluster = k8s::Cluster::new(
        "registry.example/hai-platform:0.1.0".to_owned(),
        "registry.example/train:latest".to_owned(),
        "http://hai-platform.hai:7780".to_owned(),
    );
    let clock = Arc::new(SystemClock);
    let tracker = TaskTracker::new();
    KubernetesRuntime::start(
        &client.expect("it is a client"),
        cluster,
        LIMITS,
        clock,
        |_| {},
        &tracker,
        stop,
    )
}

/// The pod of a rank.
pub(crate) fn pod(rank: &RankKey) -> Key {
    Key {
        kind: Kind::Pod,
        namespace: NAMESPACE.to_owned(),
        name: format!("hai-{rank}"),
    }
}

/// What kubelets do with pods that somebody has deleted.
async fn end_what_is_to_go(double: Arc<Double>) {
    let mut changes = double.changes();
    loop {
        for pod in double.going() {
            // It may have gone meanwhile.
            let _ = double.end(&pod, &killed());
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// How a container ends of which nobody says anything.
pub(crate) fn killed() -> End {
    End {
        code: 137,
        reason: Some("Error"),
        message: None,
    }
}

#[async_trait]
impl Subject for Cluster {
    fn runtime(&self) -> &dyn Runtime {
        self.runtime.as_ref()
    }

    fn node(&self) -> String {
        "n1".to_owned()
    }

    fn launch(&self, rank: RankKey) -> LaunchRank {
        LaunchRank {
            log_dir: self.logs.path().join(rank.rank.to_string()),
            ..sample_launch(rank, &self.node())
        }
    }

    async fn is_up(&self, rank: &RankKey) {
        self.double.run(&pod(rank)).expect("the double does it");
    }

    async fn finish(&self, rank: &RankKey, code: i32) -> ExitRecord {
        let record = exit_record(code);
        let end = End {
            code: 0,
            reason: Some("Completed"),
            message: Some(serde_json::to_string(&record).expect("it is plain data")),
        };
        self.double
            .end(&pod(rank), &end)
            .expect("the double does it");
        self.sees(rank, |seen| *seen != Observation::Alive).await;
        record
    }

    async fn crash(&self, rank: &RankKey) {
        self.double
            .end(&pod(rank), &killed())
            .expect("the double does it");
        self.sees(rank, |seen| *seen != Observation::Alive).await;
    }

    fn n_agents(&self, rank: &RankKey) -> usize {
        let pod = self.double.get(&pod(rank)).unwrap_or_default();
        let is_over = pod["status"]["containerStatuses"][0]["state"]["terminated"].is_object();
        usize::from(pod.is_object() && !is_over)
    }
}
