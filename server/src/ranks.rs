//! Where ranks run: processes of this machine, or pods of a cluster.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use domain::clock::Clock;
use domain::events::{Event, Events};
use domain::runtime::Runtime;
use domain::runtime::local::{LocalConfig, LocalRuntime};
use domain::task::TaskId;
use k8s::{Elsewhere, KubernetesRuntime};
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
#[derive(Debug, Clone)]
pub(crate) enum Ranks {
    /// Processes of this machine.
    Local(Arc<LocalRuntime>),
    /// Pods of a cluster that this process drives, whenever it leads.
    Cluster(Arc<KubernetesRuntime>),
    /// Pods of a cluster that others drive.
    Elsewhere,
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

    /// In a cluster, which is watched from now on. What happens to ranks wakes the workers.
    ///
    /// # Errors
    /// If it is not known how to reach it. That it is away is none.
    pub(crate) async fn cluster(
        config: &Kubernetes,
        here: &Here<'_>,
        watching: Watching<'_>,
    ) -> Result<Self> {
        let file = config.kubeconfig.as_deref();
        let client = k8s::connect(file, config.context.as_deref()).await;
        let client = client.context("it is not known how to reach the Kubernetes cluster")?;
        let events = watching.events.clone();
        let runtime = KubernetesRuntime::start(
            &client,
            config.cluster(here),
            LOG_LIMITS,
            watching.clock,
            move |task| events.publish(Event::Task(TaskId(task))),
            watching.tracker,
            watching.stop,
        );
        // Whoever leads at once would know of nothing yet.
        if timeout(FIRST_LOOK, runtime.is_known()).await.is_err() {
            tracing::warn!(
                "the cluster has not told of its nodes and pods: nothing starts until it does"
            );
        }
        Ok(Self::Cluster(Arc::new(runtime)))
    }

    /// What use cases are given.
    pub(crate) fn runtime(&self) -> Arc<dyn Runtime> {
        match self {
            Self::Local(runtime) => runtime.clone(),
            Self::Cluster(runtime) => runtime.clone(),
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
