//! A cluster that fails, and the adapter on it.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use domain::runtime::RankKey;
use double::{Behave, Double, Faults, Key, Kind, KubeletOptions, Kubelets};
use k8s::{Cluster, KubernetesRuntime};
use kube::{Client, Config};
use protocol::LogLimits;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

const NAMESPACE: &str = "hai-tasks";
/// Names of the nodes: as many as a run has ranks at most.
pub(crate) const NODES: [&str; 4] = ["n1", "n2", "n3", "n4"];
/// The longest that an answer is late, that a pod takes to start, and that it runs if it ends by itself.
const LONGEST: Duration = Duration::from_millis(50);

pub(crate) struct World {
    pub(crate) double: Double,
    pub(crate) kubelets: Kubelets,
    pub(crate) runtime: KubernetesRuntime,
    /// Where ranks leave their logs.
    pub(crate) logs: TempDir,
    _stop: DropGuard,
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        let double = Double::start_at(Arc::new(|| SystemClock.now())).await;
        let double = double.expect("a port is free");
        for node in NODES {
            let group = ("hai_mars_group", "training");
            double.add_node(node, &[group]).expect("it is new");
        }
        let options = KubeletOptions {
            behave: Behave::by_chance(seed, LONGEST),
            back_off: LONGEST,
            ..KubeletOptions::default()
        };
        let kubelets = double.run_pods(options).expect("they need nothing");
        double.disturb(Faults {
            seed,
            latest: LONGEST,
            ..Faults::default()
        });
        let (runtime, stop) = runtime(&double);
        Self {
            double,
            kubelets,
            runtime,
            logs: tempfile::tempdir().expect("there is room for a directory"),
            _stop: stop,
        }
    }

    /// The platform is started again: what it knew it has to find out.
    pub(crate) fn start_again(&mut self) {
        (self.runtime, self._stop) = runtime(&self.double);
    }

    /// The pods whose containers have run, or run, by name.
    pub(crate) fn pod(rank: &RankKey) -> Key {
        Key {
            kind: Kind::Pod,
            namespace: NAMESPACE.to_owned(),
            name: format!("hai-{rank}"),
        }
    }
}

fn runtime(double: &Double) -> (KubernetesRuntime, DropGuard) {
    let mut config = Config::new(double.url().parse().expect("it is an address"));
    config.default_retry = false;
    let client = Client::try_from(config).expect("it is a client");
    let cluster = Cluster::new(
        "registry.example/hai-platform:0.1.0".to_owned(),
        "registry.example/train:latest".to_owned(),
        "http://hai-platform.hai:7780".to_owned(),
    );
    let log = LogLimits {
        segment_bytes: 8 << 20,
        budget_bytes: 1 << 30,
    };
    let stop = CancellationToken::new();
    let tracker = TaskTracker::new();
    let clock = Arc::new(SystemClock);
    let runtime = KubernetesRuntime::start(&client, cluster, log, clock, |_| {}, &tracker, &stop);
    (runtime, stop.drop_guard())
}
