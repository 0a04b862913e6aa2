//! Where it is measured: on the double of an API server, or in a namespace of its own of a real cluster.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::clock::{Clock, SystemClock};
use domain::runtime::{AgentToken, Container, LaunchRank, RankKey};
use double::{Behave, Behaviour, Double, End, Fate, KubeletOptions, Kubelets};
use k8s::Cluster;
use k8s::object::Capacity;
use k8s_openapi::api::core::v1::{self, Namespace};
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config};
use protocol::{Command, ExitCause, ExitRecord, LogLimits, PROTOCOL_VERSION, RankExit};
use tempfile::TempDir;
use tokio::time::timeout;

/// Ranks at a time at most; each has a node of its own.
pub(super) const AT_ONCE: usize = 64;
pub(super) const LIMITS: LogLimits = LogLimits {
    segment_bytes: 8 << 20,
    budget_bytes: 1 << 30,
};
/// How long a cluster may take for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
const GROUP: &str = "training";

/// A node that ranks are started on.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) capacity: Capacity,
}

pub(super) struct Place {
    pub(super) client: Client,
    pub(super) cluster: Cluster,
    double: Option<(Double, Kubelets)>,
    /// Tasks so far, by how many each line has had.
    n_tasks: AtomicUsize,
    logs: TempDir,
}

impl Place {
    /// The double, with as many nodes as there are ranks at a time, on which containers run for no time.
    pub(super) async fn double() -> Result<Self> {
        let double = Double::start_at(Arc::new(|| SystemClock.now())).await?;
        let cluster = cluster();
        for number in 0..AT_ONCE {
            let group = (cluster.group_label.as_str(), GROUP);
            let added = double.add_node(&format!("n{number}"), &[group]);
            added.map_err(|refusal| anyhow::anyhow!(refusal.message))?;
        }
        let end = End {
            message: Some(serde_json::to_string(&exit_record())?),
            ..End::of_code(0)
        };
        let behaviour = Behaviour {
            fate: Some((Duration::ZERO, Fate::Ends(end))),
            ..Behaviour::default()
        };
        let kubelets = double.run_pods(KubeletOptions {
            behave: Behave::by(move |_| behaviour.clone()),
            ..KubeletOptions::default()
        })?;
        let mut config = Config::new(double.url().parse()?);
        config.default_retry = false;
        Ok(Self {
            client: Client::try_from(config)?,
            cluster,
            double: Some((double, kubelets)),
            n_tasks: AtomicUsize::new(0),
            logs: tempfile::tempdir()?,
        })
    }

    /// A new namespace of the cluster that a file leads to.
    pub(super) async fn of_file(file: &Path) -> Result<Self> {
        let client = k8s::connect(Some(file), None).await?;
        let mut cluster = cluster();
        let nodes = Api::<v1::Node>::all(client.clone());
        let nodes = nodes.list(&ListParams::default()).await?.items;
        let is_ours = |node: &&v1::Node| {
            let labels = node.metadata.labels.as_ref();
            labels.is_some_and(|labels| labels.contains_key(&cluster.group_label))
        };
        let ours: Vec<v1::Node> = nodes.iter().filter(is_ours).cloned().collect();
        ensure!(
            !ours.is_empty(),
            "no node is ours: `kubectl label node NAME {}={GROUP}` makes it so",
            cluster.group_label
        );
        let taints = ours.into_iter().filter_map(|node| node.spec?.taints);
        cluster.tolerations = taints.flatten().map(|taint| taint.key).collect();
        cluster.tolerations.sort();
        cluster.tolerations.dedup();
        let namespace = Namespace {
            metadata: ObjectMeta {
                generate_name: Some("hai-bench-".to_owned()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let namespaces = Api::all(client.clone());
        let namespace = namespaces.create(&PostParams::default(), &namespace).await;
        let namespace = namespace.context("no namespace can be made")?;
        cluster.namespace = namespace.metadata.name.context("it has a name")?;
        eprintln!("measuring in the namespace {}", cluster.namespace);
        Ok(Self {
            client,
            cluster,
            double: None,
            n_tasks: AtomicUsize::new(0),
            logs: tempfile::tempdir()?,
        })
    }

    /// Waits until the cluster has given the namespace the account of pods that name none: before, it refuses them.
    pub(super) async fn until_it_takes_pods(&self) -> Result<()> {
        if self.is_double() {
            return Ok(());
        }
        let namespace = &self.cluster.namespace;
        let accounts = Api::<v1::ServiceAccount>::namespaced(self.client.clone(), namespace);
        let is_there = |account: Option<&v1::ServiceAccount>| account.is_some();
        let waited = timeout(PATIENCE, await_condition(accounts, "default", is_there)).await;
        waited.with_context(|| format!("the namespace {namespace} gets no account"))??;
        Ok(())
    }

    /// Removes what was made in a cluster.
    pub(super) async fn leave(self) -> Result<()> {
        if self.double.is_none() {
            let namespaces = Api::<Namespace>::all(self.client);
            let how = DeleteParams::default();
            let deleted = namespaces.delete(&self.cluster.namespace, &how).await;
            deleted.with_context(|| format!("{} cannot be removed", self.cluster.namespace))?;
        }
        Ok(())
    }

    pub(super) fn is_double(&self) -> bool {
        self.double.is_some()
    }

    /// Writes so far; of a real cluster they are not known.
    pub(super) fn n_writes(&self) -> usize {
        let double = self.double.as_ref();
        double.map_or(0, |(double, _)| double.n_writes())
    }

    /// Tasks of one rank that never were: a line for each node.
    pub(super) fn launches(&self, nodes: &[Node], each: usize) -> Vec<Vec<LaunchRank>> {
        let first = self.n_tasks.fetch_add(each, Ordering::Relaxed);
        let line = |(line, node): (usize, &Node)| {
            let tasks = (first..first + each).map(|number| number * AT_ONCE + line);
            tasks.map(|task| self.launch(task, &node.name)).collect()
        };
        nodes.iter().enumerate().map(line).collect()
    }

    fn launch(&self, task: usize, node: &str) -> LaunchRank {
        LaunchRank {
            key: RankKey {
                task: task as i64,
                run: 1,
                rank: 0,
            },
            run_world_size: 1,
            node: node.to_owned(),
            user: "ada".to_owned(),
            uid: 10_000,
            command: Command {
                workspace: "/workspace".into(),
                line: "python train.py".to_owned(),
                env: vec![("WORLD_SIZE".to_owned(), "1".to_owned())],
            },
            silence_secs: None,
            token: AgentToken::new(format!("token-{task}")),
            log_dir: self.logs.path().join(format!("{task}/1/0")),
            container: Container::default(),
        }
    }
}

/// What agents leave behind whose command has succeeded.
fn exit_record() -> ExitRecord {
    ExitRecord {
        protocol_version: PROTOCOL_VERSION,
        exit: RankExit {
            cause: ExitCause::Command,
            code: Some(0),
            signal: None,
            message: None,
            suspend: None,
        },
        log_end: 0,
    }
}

fn cluster() -> Cluster {
    Cluster::new(
        "registry.example/hai-platform:0.1.0".to_owned(),
        "registry.example/train:latest".to_owned(),
        "http://hai-platform.hai:7780".to_owned(),
    )
}
