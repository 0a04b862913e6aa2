//! The cluster, a namespace of its own in it, and the adapter there.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use domain::runtime::contract::sample_launch;
use domain::runtime::{LaunchRank, RankKey, Runtime};
use double::{Double, KubeletOptions, Kubelets};
use futures_util::FutureExt;
use k8s::{Cluster, KubernetesRuntime};
use k8s_openapi::api::core::v1::{Namespace, Node, ServiceAccount};
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config};
use protocol::LogLimits;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::account;

/// How long a cluster may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// After so long it is asked again, if there is no news.
const PERIOD: Duration = Duration::from_millis(100);
/// The label of nodes with the group that they belong to, and a group.
const LABEL: &str = "hai_mars_group";
const GROUP: &str = "training";
const IMAGE: &str = "registry.example/hai-platform:0.1.0";
const LIMITS: LogLimits = LogLimits {
    segment_bytes: 8 << 20,
    budget_bytes: 1 << 30,
};

/// A namespace that nobody else has.
pub(crate) struct Place {
    /// May do everything.
    pub(crate) client: Client,
    /// May do what `deploy/` allows. The double does not tell who asks: there it is the same, and the demo's story looks at it.
    platform: Client,
    pub(crate) namespace: String,
    /// The nodes that are ours.
    nodes: Vec<Node>,
    logs: TempDir,
    _double: Option<(Double, Kubelets)>,
}

/// The adapter, as a server would start it.
pub(crate) struct Adapter {
    pub(crate) runtime: KubernetesRuntime,
    news: watch::Receiver<()>,
    _stop: DropGuard,
}

/// Does something in a namespace of its own, which is removed in the end, whatever came of it.
pub(crate) async fn in_a_namespace(work: impl AsyncFnOnce(&Place)) {
    let place = Place::new().await;
    let done = AssertUnwindSafe(async {
        place.until_it_takes_pods().await;
        work(&place).await;
    });
    let done = done.catch_unwind().await;
    place.leave().await;
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

impl Place {
    async fn new() -> Self {
        let kubeconfig = setting("HAI_TEST_KUBECONFIG").map(PathBuf::from);
        let (client, double) = match &kubeconfig {
            Some(file) => {
                let client = k8s::connect(Some(file), None).await;
                (
                    client.expect("HAI_TEST_KUBECONFIG leads to a cluster"),
                    None,
                )
            }
            None => {
                let (client, double, kubelets) = double().await;
                (client, Some((double, kubelets)))
            }
        };
        let nodes = ours(&client).await;
        let namespace = Namespace {
            metadata: ObjectMeta {
                generate_name: Some("hai-suite-".to_owned()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let namespaces = Api::all(client.clone());
        let made = namespaces.create(&PostParams::default(), &namespace).await;
        let made = made.expect("a namespace can be made");
        let platform = match &kubeconfig {
            Some(file) => account::client(file, &client, &made).await,
            None => client.clone(),
        };
        Self {
            client,
            platform,
            namespace: made.metadata.name.expect("it has a name"),
            nodes,
            logs: tempfile::tempdir().expect("there is room"),
            _double: double,
        }
    }

    /// Waits until the cluster has given the namespace the account of pods that name none: before, it refuses them.
    async fn until_it_takes_pods(&self) {
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), &self.namespace);
        let is_there = |account: Option<&ServiceAccount>| account.is_some();
        let waited = await_condition(accounts, "default", is_there);
        let waited = timeout(PATIENCE, waited).await;
        let seen = waited.expect("a namespace gets its account");
        seen.expect("the API lets an account be watched");
    }

    async fn leave(&self) {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        let how = DeleteParams::default();
        if let Err(error) = namespaces.delete(&self.namespace, &how).await {
            // How the test went says more.
            eprintln!("the namespace {} is left: {error}", self.namespace);
        }
    }

    /// An adapter that knows the cluster.
    pub(crate) async fn adapter(&self) -> Adapter {
        let image = setting("HAI_TEST_IMAGE").unwrap_or_else(|| IMAGE.to_owned());
        let taints = { self.nodes.iter() }.filter_map(|node| node.spec.as_ref()?.taints.as_ref());
        let cluster = Cluster {
            namespace: self.namespace.clone(),
            tolerations: taints.flatten().map(|taint| taint.key.clone()).collect(),
            // What else runs on the nodes is not to be in the way.
            reserved_millicpus: u64::MAX,
            reserved_memory_bytes: u64::MAX,
            gpu_resource: "hai-suite/none".to_owned(),
            ..Cluster::new(
                image.clone(),
                image,
                "http://hai-platform.hai:7780".to_owned(),
            )
        };
        let (tell, news) = watch::channel(());
        let stop = CancellationToken::new();
        let runtime = KubernetesRuntime::start(
            &self.platform,
            cluster,
            LIMITS,
            Arc::new(SystemClock),
            move |_| tell.send_modify(|()| {}),
            &TaskTracker::new(),
            &stop,
        );
        let adapter = Adapter {
            runtime,
            news,
            _stop: stop.drop_guard(),
        };
        let knows = async |runtime: &KubernetesRuntime| {
            runtime.list().await.is_ok() && runtime.nodes().await.is_ok()
        };
        adapter.until("it knows the cluster", knows).await;
        adapter
    }

    /// How a rank of two is started, on one of our nodes.
    pub(crate) fn launch(&self, key: RankKey) -> LaunchRank {
        let place = usize::try_from(key.rank).expect("it is small") % self.nodes.len();
        let node = &self.nodes[place].metadata;
        let hostname = { node.labels.as_ref() }.and_then(|all| all.get("kubernetes.io/hostname"));
        let node = hostname.or(node.name.as_ref()).expect("it has a name");
        LaunchRank {
            log_dir: self.logs.path().join(key.rank.to_string()),
            ..sample_launch(key, node)
        }
    }
}

impl Adapter {
    /// Asks until something holds: when there is news, and now and then.
    #[expect(clippy::future_not_send, reason = "a test awaits it where it is")]
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn(&KubernetesRuntime) -> bool) {
        let mut news = self.news.clone();
        let waited = timeout(PATIENCE, async {
            news.mark_unchanged();
            while !holds(&self.runtime).await {
                // Some of what is waited for is only a matter of time.
                let _ = timeout(PERIOD, news.changed()).await;
            }
        });
        if waited.await.is_err() {
            panic!("after {PATIENCE:?} it is still not so that {what}");
        }
    }
}

/// The double, whose kubelets let containers run until they are told to end.
async fn double() -> (Client, Double, Kubelets) {
    let double = Double::start_at(Arc::new(|| SystemClock.now())).await;
    let double = double.expect("a port is free");
    for name in ["n1", "n2"] {
        double.add_node(name, &[(LABEL, GROUP)]).expect("it is new");
    }
    let kubelets = double.run_pods(KubeletOptions::default());
    let kubelets = kubelets.expect("they need nothing");
    let mut config = Config::new(double.url().parse().expect("it is an address"));
    config.default_retry = false;
    let client = Client::try_from(config).expect("it is a client");
    (client, double, kubelets)
}

/// The nodes with the label of a group that take pods.
async fn ours(client: &Client) -> Vec<Node> {
    let nodes = Api::<Node>::all(client.clone());
    let nodes = nodes.list(&ListParams::default()).await;
    let mut nodes = nodes.expect("the cluster tells its nodes").items;
    nodes.retain(|node| {
        let labels = node.metadata.labels.as_ref();
        labels.is_some_and(|labels| labels.contains_key(LABEL)) && takes_pods(node)
    });
    assert!(
        !nodes.is_empty(),
        "no node that is ready is for us: `kubectl label node NAME {LABEL}={GROUP}` gives us one"
    );
    nodes
}

fn takes_pods(node: &Node) -> bool {
    let is_cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable);
    let status = node.status.as_ref();
    let mut conditions = { status.and_then(|status| status.conditions.as_ref()) }
        .into_iter()
        .flatten();
    let is_ready = conditions.any(|it| it.type_ == "Ready" && it.status == "True");
    is_ready && is_cordoned != Some(true)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is a program that starts here"
)]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
