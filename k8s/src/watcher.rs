//! Watches the cluster: whatever breaks, everything is listed anew, and it goes on.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{self, Node, Pod};
use kube::Api;
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::events::{self, Warnings};
use crate::labels;
use crate::nodes::Nodes;
use crate::pods::Pods;

/// Before the second attempt; twice as long each time.
const SHORTEST: Duration = Duration::from_millis(100);
/// Before any later one.
const LONGEST: Duration = Duration::from_secs(1);

/// Follows the pods of ranks, and tells of which tasks there is news.
pub(crate) async fn pods(
    api: Api<Pod>,
    pods: watch::Sender<Pods>,
    tell: impl Fn(i64) + Send + Sync,
    stop: CancellationToken,
) {
    let ours = format!(
        "{}={},{}={}",
        labels::MANAGED_BY,
        labels::MANAGER,
        labels::PART_OF,
        labels::RANKS
    );
    let config = watcher::Config::default().labels(&ours);
    follow(api, config, "pods", &stop, |event| {
        let mut news = BTreeSet::new();
        pods.send_modify(|pods| news = pods.hear(event));
        news.into_iter().for_each(&tell);
    })
    .await;
}

/// Follows the nodes.
pub(crate) async fn nodes(
    api: Api<Node>,
    cluster: Cluster,
    nodes: watch::Sender<Arc<Nodes>>,
    stop: CancellationToken,
) {
    follow(api, watcher::Config::default(), "nodes", &stop, |event| {
        nodes.send_modify(|nodes| Arc::make_mut(nodes).hear(event, &cluster));
    })
    .await;
}

/// Follows the warnings about pods.
pub(crate) async fn events(
    api: Api<v1::Event>,
    warnings: watch::Sender<Warnings>,
    stop: CancellationToken,
) {
    let mut listed = Warnings::new();
    let config = watcher::Config::default().fields(events::WARNINGS);
    let told = |event: &v1::Event| events::read(event).map(|told| (told.uid.clone(), told));
    follow(api, config, "events", &stop, |event| {
        warnings.send_modify(|known| match event {
            Event::Init => listed.clear(),
            Event::InitApply(event) => listed.extend(told(&event)),
            Event::InitDone => *known = std::mem::take(&mut listed),
            Event::Apply(event) => known.extend(told(&event)),
            // It was forgotten there.
            Event::Delete(event) => {
                known.remove(event.metadata.uid.as_deref().unwrap_or_default());
            }
        });
    })
    .await;
}

async fn follow<K>(
    api: Api<K>,
    config: watcher::Config,
    what: &'static str,
    stop: &CancellationToken,
    mut hear: impl FnMut(Event<K>),
) where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = pin!(watcher::watcher(api, config));
    let mut n_failures = 0_u32;
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = events.next() => event,
        };
        match event {
            None => return,
            Some(Ok(event)) => {
                // That it begins anew says nothing yet.
                let is_heard = !matches!(event, Event::Init);
                if is_heard && std::mem::take(&mut n_failures) > 0 {
                    tracing::info!(what, "the cluster can be watched again");
                }
                hear(event);
            }
            Some(Err(error)) => {
                if n_failures == 0 {
                    let error = chain(&error);
                    tracing::warn!(what, error, "the cluster cannot be watched for now");
                }
                let pause = SHORTEST
                    .saturating_mul(2_u32.saturating_pow(n_failures))
                    .min(LONGEST);
                n_failures = n_failures.saturating_add(1);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
