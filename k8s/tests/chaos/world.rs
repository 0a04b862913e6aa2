//! A cluster that fails, and the adapter on it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use domain::runtime::RankKey;
use double::{Behave, Behaviour, Double, Faults, Key, Kind, KubeletOptions, Kubelets};
use k8s::{Cluster, KubernetesRuntime};
use kube::{Client, Config};
use protocol::LogLimits;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::agents::Agents;

const NAMESPACE: &str = "hai-tasks";
/// Names of the nodes. Less than half of them are silent at the same time.
pub(crate) const NODES: [&str; 5] = ["n1", "n2", "n3", "n4", "n5"];
/// So many nodes are silent at the same time at most, those that never come back among them.
pub(crate) const MOST_SILENT: usize = 2;
/// The longest that an answer is late, that a pod takes to start, and that it runs if it ends by itself.
const LONGEST: Duration = Duration::from_millis(50);
/// How long a node may be silent before its ranks are given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

pub(crate) struct World {
    pub(crate) double: Double,
    pub(crate) kubelets: Arc<Kubelets>,
    pub(crate) agents: Agents,
    pub(crate) runtime: KubernetesRuntime,
    /// Where ranks leave their logs.
    pub(crate) logs: TempDir,
    /// Nodes that nobody hears, and whether the cluster still has them.
    pub(crate) silent: BTreeSet<&'static str>,
    pub(crate) removed: BTreeSet<&'static str>,
    is_disturbed: Arc<AtomicBool>,
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
        let is_disturbed = Arc::new(AtomicBool::new(true));
        let options = KubeletOptions {
            behave: Behave::by({
                let is_disturbed = Arc::clone(&is_disturbed);
                move |pod| match is_disturbed.load(Ordering::Relaxed) {
                    true => Behaviour::by_chance(seed, pod, LONGEST),
                    false => Behaviour::default(),
                }
            }),
            back_off: LONGEST,
            ..KubeletOptions::default()
        };
        let kubelets = Arc::new(double.run_pods(options).expect("they need nothing"));
        let logs = tempfile::tempdir().expect("there is room for a directory");
        double.disturb(Faults {
            seed,
            latest: LONGEST,
            ..Faults::default()
        });
        let (runtime, stop) = runtime(&double);
        Self {
            agents: Agents::start(Arc::clone(&kubelets), logs.path().to_owned()),
            double,
            kubelets,
            runtime,
            logs,
            silent: BTreeSet::new(),
            removed: BTreeSet::new(),
            is_disturbed,
            _stop: stop,
        }
    }

    /// Whether things fail.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.is_disturbed.load(Ordering::Relaxed)
    }

    /// From now on nothing fails any more, pods that begin later neither.
    pub(crate) fn calm(&mut self) {
        self.is_disturbed.store(false, Ordering::Relaxed);
        self.double.calm();
    }

    /// The platform is started again: what it knew it has to find out.
    pub(crate) fn start_again(&mut self) {
        (self.runtime, self._stop) = runtime(&self.double);
    }

    /// The pod of a rank.
    pub(crate) fn pod(rank: &RankKey) -> Key {
        Key {
            kind: Kind::Pod,
            namespace: NAMESPACE.to_owned(),
            name: format!("hai-{rank}"),
        }
    }

    /// A node is cut off; what runs there runs on.
    pub(crate) fn silence(&mut self, node: &'static str) {
        self.silent.insert(node);
        self.kubelets.silence(node);
    }

    /// A node that was cut off is back.
    pub(crate) fn hear(&mut self, node: &'static str) {
        self.silent.remove(node);
        self.kubelets.hear(node);
    }

    /// Somebody removes a node that was cut off, and its pods go with it, whatever runs there.
    pub(crate) fn remove(&mut self, node: &'static str) {
        self.removed.insert(node);
        // It is there.
        let _ = self.double.remove_node(node);
        for pod in self.pods_of(node) {
            let _ = self.double.lose(&pod);
        }
    }

    /// What hangs ends, wherever it can be told to.
    pub(crate) fn let_all_go(&self) {
        for name in self.double.names(Kind::Pod) {
            self.kubelets.let_go(&of_name(name));
        }
    }

    /// The pods of a node.
    fn pods_of(&self, node: &str) -> Vec<Key> {
        let all = self.double.names(Kind::Pod).into_iter().map(of_name);
        let is_there = |pod: &Key| {
            let pod = self.double.get(pod).unwrap_or_default();
            pod["spec"]["nodeName"] == node
        };
        all.filter(is_there).collect()
    }

    /// The pods that only a node could end that nobody hears.
    pub(crate) fn out_of_reach(&self) -> BTreeSet<String> {
        let pods = self.silent.iter().flat_map(|node| self.pods_of(node));
        let is_told = |pod: &Key| {
            let pod = self.double.get(pod).unwrap_or_default();
            pod["metadata"]["deletionTimestamp"].is_string()
        };
        pods.filter(is_told).map(|pod| pod.name).collect()
    }
}

/// The directory of a rank's log.
pub(crate) fn log_dir(logs: &Path, rank: &RankKey) -> std::path::PathBuf {
    logs.join(format!("{}/{}/{}", rank.task, rank.run, rank.rank))
}

/// The rank of a pod.
pub(crate) fn rank_of(pod: &Key) -> Option<RankKey> {
    let mut numbers = pod.name.strip_prefix("hai-")?.split('-');
    Some(RankKey {
        task: numbers.next()?.parse().ok()?,
        run: numbers.next()?.parse().ok()?,
        rank: numbers.next()?.parse().ok()?,
    })
}

fn of_name(name: String) -> Key {
    Key {
        kind: Kind::Pod,
        namespace: NAMESPACE.to_owned(),
        name,
    }
}

fn runtime(double: &Double) -> (KubernetesRuntime, DropGuard) {
    let mut config = Config::new(double.url().parse().expect("it is an address"));
    config.default_retry = false;
    let client = Client::try_from(config).expect("it is a client");
    let cluster = Cluster {
        give_up_after: GIVE_UP_AFTER,
        ..Cluster::new(
            "registry.example/hai-platform:0.1.0".to_owned(),
            "registry.example/train:latest".to_owned(),
            "http://hai-platform.hai:7780".to_owned(),
        )
    };
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
