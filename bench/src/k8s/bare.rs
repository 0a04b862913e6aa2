//! The peer: the least that a client does for a rank. Its objects are those of the adapter, and are made before.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::line_of;
use super::place::{AT_ONCE, LIMITS, Node, PATIENCE, Place};

/// The objects of a rank.
pub(super) struct Objects {
    task: i64,
    secret: Secret,
    pod: Pod,
}

pub(super) struct Bare {
    secrets: Api<Secret>,
    pods: Api<Pod>,
    /// The last task of each line whose pod has ended.
    ended: Arc<Vec<watch::Sender<i64>>>,
    _watch: JoinSet<()>,
}

/// The objects of tasks of one rank that never were: a line for each node.
pub(super) fn objects(place: &Place, nodes: &[Node], each: usize) -> Result<Vec<Vec<Objects>>> {
    let launches = place.launches(nodes, each);
    let lines = launches.into_iter().zip(nodes).map(|(line, node)| {
        let objects = line.into_iter().map(|launch| {
            let (task, launches) = (launch.key.task, [launch]);
            let secret = k8s::object::secret(&place.cluster, &launches, LIMITS)?;
            let pod = k8s::object::pod(&place.cluster, &launches[0], node.capacity, &secret)?;
            Ok(Objects { task, secret, pod })
        });
        objects.collect()
    });
    lines.collect()
}

impl Bare {
    /// Begins to watch, and waits until it knows the cluster.
    pub(super) async fn start(place: &Place) -> Result<Self> {
        let (client, namespace) = (place.client.clone(), &place.cluster.namespace);
        let pods = Api::<Pod>::namespaced(client.clone(), namespace);
        let none = |_| watch::Sender::new(-1);
        let ended: Arc<Vec<_>> = Arc::new((0..AT_ONCE).map(none).collect());
        let (listed, mut is_listed) = watch::channel(false);
        let mut watch = JoinSet::new();
        watch.spawn(follow(pods.clone(), Arc::clone(&ended), listed));
        let known = timeout(PATIENCE, is_listed.wait_for(|it| *it)).await;
        known.context("the cluster says nothing")??;
        Ok(Self {
            secrets: Api::namespaced(client, namespace),
            pods,
            ended,
            _watch: watch,
        })
    }

    /// Writes the Secret and the pod of a rank, waits for its end, and removes them. Answers how long it took until the API
    /// server has said that there is a pod.
    pub(super) async fn lead(self: Arc<Self>, objects: Objects) -> Result<Duration> {
        let Objects {
            task,
            secret,
            mut pod,
        } = objects;
        let begun = Instant::now();
        let secret = self.secrets.create(&PostParams::default(), &secret).await?;
        for owner in pod.owner_references_mut() {
            owner.uid = secret.uid().context("it has a uid")?;
        }
        self.pods.create(&PostParams::default(), &pod).await?;
        let took = begun.elapsed();
        let mut ended = self.ended[line_of(task)].subscribe();
        let ended = timeout(PATIENCE, ended.wait_for(|last| *last >= task)).await;
        ended.with_context(|| format!("the pod of task {task} does not end"))??;
        let how = DeleteParams::background();
        self.secrets.delete(&secret.name_any(), &how).await?;
        Ok(took)
    }
}

/// Follows the pods, and says which have ended.
async fn follow(pods: Api<Pod>, ended: Arc<Vec<watch::Sender<i64>>>, listed: watch::Sender<bool>) {
    let mut events = pin!(watcher::watcher(pods, watcher::Config::default()));
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::InitDone) => {
                listed.send_replace(true);
            }
            Ok(Event::Apply(pod)) => {
                let status = pod.status.as_ref();
                let phase = status.and_then(|status| status.phase.as_deref());
                let is_over = matches!(phase, Some("Succeeded" | "Failed"));
                if let Some(task) = task(&pod).filter(|_| is_over) {
                    let last = &ended[line_of(task)];
                    last.send_if_modified(|last| std::mem::replace(last, task.max(*last)) < task);
                }
            }
            // Whatever broke, it goes on by itself.
            Ok(Event::Init | Event::InitApply(_) | Event::Delete(_)) | Err(_) => {}
        }
    }
}

/// The task whose rank has the pod: the second word of its name.
fn task(pod: &Pod) -> Option<i64> {
    let name = pod.metadata.name.as_deref()?;
    name.split('-').nth(1)?.parse().ok()
}
