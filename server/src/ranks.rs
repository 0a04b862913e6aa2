//! Where ranks run: processes of this machine, or pods of a cluster.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use domain::clock::Clock;
use domain::events::{Event, Events};
use domain::runtime::Runtime;
use domain::runtime::local::{LocalConfig, LocalRuntime};
use domain::task::TaskId;
use futures_util::future::join_all;
use k8s::{Clusters, Elsewhere, KubernetesRuntime};
use protocol::LogLimits;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::kubernetes::{Here, Kubernetes};

/// How much log a rank keeps.
pub(crate) const LOG_LIMITS: LogLimits = LogLimits {
    segment_bytes: 8 << 20,
    budget_bytes: 1 << 30,
};

/// How long the start of the server waits for a cluster that is slow, or away.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// Where ranks run.
#[derive(Clone)]
pub(crate) enum Ranks {
    /// Processes of this machine.
    Local(Arc<LocalRuntime>),
    /// Pods of the clusters that this process drives, whenever it leads.
    Clusters(Arc<dyn Runtime>),
    /// Pods of clusters that others drive.
    Elsewhere,
}

impl std::fmt::Debug for Ranks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Local(_) => "Local",
            Self::Clusters(_) => "Clusters",
            Self::Elsewhere => "Elsewhere",
        })
    }
}

/// What watching a cluster takes.
pub(crate) struct Watching<'a> {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: &'a Events,
    pub(crate) tracker: &'a TaskTracker,
    pub(crate) stop: &'a CancellationToken,
}

impl Ranks {
    /// On this machine.
    ///
    /// # Errors
    /// If the machine cannot be looked at.
    pub(crate) fn local(config: LocalConfig) -> Result<Self> {
        Ok(Self::Local(Arc::new(LocalRuntime::new(config)?)))
    }

    /// In clusters, which are watched from now on. What happens to ranks wakes the workers.
    ///
    /// # Errors
    /// If it is not known how to reach one. That it is away is none.
    pub(crate) async fn clusters(
        config: &Kubernetes,
        here: &Here<'_>,
        watching: Watching<'_>,
    ) -> Result<Self> {
        let mut watched = Vec::new();
        for (name, config) in config.all() {
            let runtime = watch(&name, &config, here, &watching).await?;
            watched.push((name, Arc::new(runtime)));
        }
        let looks = watched.iter();
        join_all(looks.map(|(name, runtime)| look(name, runtime))).await;
        let all = watched.into_iter();
        let all: Vec<_> = all
            .map(|(name, runtime)| (name, runtime as Arc<dyn Runtime>))
            .collect();
        // What is one needs nobody who knows where something is.
        Ok(Self::Clusters(match <[_; 1]>::try_from(all) {
            Ok([(_, alone)]) => alone,
            Err(all) => Arc::new(Clusters::new(all)),
        }))
    }

    /// What use cases are given.
    pub(crate) fn runtime(&self) -> Arc<dyn Runtime> {
        match self {
            Self::Local(runtime) => runtime.clone(),
            Self::Clusters(runtime) => runtime.clone(),
            Self::Elsewhere => Arc::new(Elsewhere),
        }
    }

    /// Lets go of what it holds. Ranks go on.
    pub(crate) async fn close(&self) {
        if let Self::Local(runtime) = self {
            runtime.close().await;
        }
    }
}

/// Begins to watch one cluster.
async fn watch(
    name: &str,
    config: &Kubernetes,
    here: &Here<'_>,
    watching: &Watching<'_>,
) -> Result<KubernetesRuntime> {
    let file = config.kubeconfig.as_deref();
    let client = k8s::connect(file, config.context.as_deref()).await;
    let client = client
        .with_context(|| format!("it is not known how to reach the {name} Kubernetes cluster"))?;
    let events = watching.events.clone();
    Ok(KubernetesRuntime::start(
        &client,
        config.cluster(here),
        LOG_LIMITS,
        watching.clock.clone(),
        move |task| events.publish(Event::Task(TaskId(task))),
        watching.tracker,
        watching.stop,
    ))
}

/// Waits a moment for a cluster: whoever leads at once would know of nothing yet.
async fn look(name: &str, runtime: &KubernetesRuntime) {
    if timeout(FIRST_LOOK, runtime.is_known()).await.is_err() {
        tracing::warn!(
            cluster = name,
            "the cluster has not told of its nodes and pods: nothing starts there until it does"
        );
    }
}
