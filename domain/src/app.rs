//! What use cases and workers are given: the database, the time, the runtime, and who to wake.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DatabaseConnection;

use crate::auth::agent_token::KeyRing;
use crate::clock::Clock;
use crate::error::Result;
use crate::events::Events;
use crate::lease::Fence;
use crate::logs::LogStore;
use crate::metrics::Metrics;
use crate::mount::Mount;
use crate::node::Masks;
use crate::retention::Retention;
use crate::run::Graces;
use crate::runtime::Runtime;
use crate::store::{Store, Tx};
use crate::task::Submits;

/// Everything a use case may need. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Submits that wait to be written.
    pub submits: Submits,
    /// Where runs run.
    pub runtime: Arc<dyn Runtime>,
    /// Who wakes whom.
    pub events: Events,
    /// Where the logs are.
    pub logs: LogStore,
    /// What signs the tokens of agents, and the cookies of browsers.
    pub keys: Arc<KeyRing>,
    /// How guests see the names of nodes.
    pub masks: Masks,
    /// What is measured.
    pub metrics: Metrics,
    /// What whoever runs the platform has chosen.
    pub settings: Arc<Settings>,
    /// Since when this server serves, or its workers drive.
    pub served_since: DateTime<Utc>,
    /// The term of those who drive runs: what they write after it is refused.
    pub fence: Option<Fence>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// What whoever runs the platform has chosen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node group that `default` stands for.
    pub default_group: String,
    /// Directories that every node sees under the same path.
    pub mounts: Vec<Mount>,
    /// Where each user has a directory of his own, seen by every node.
    pub workspaces: PathBuf,
    /// Where training code finds the package `hfai`: on its `PYTHONPATH`, behind its workspace.
    pub python: PathBuf,
    /// How long things may take when a run ends.
    pub graces: Graces,
    /// How long every rank of a run may take to register.
    pub start_limit: TimeDelta,
    /// How long a rank without a process and without a record may still come back.
    pub reattach: TimeDelta,
    /// Silence after which rank 0 is ended, unless the task says otherwise.
    pub silence: Duration,
    /// How often workers look even if nobody woke them.
    pub period: Duration,
    /// How long it is kept what people did; for ever if absent.
    pub audit_keep: Option<TimeDelta>,
    /// How long what is over is kept.
    pub retention: Retention,
}

impl App {
    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// For reading; never waits for writers.
    pub fn reader(&self) -> &DatabaseConnection {
        self.store.reader()
    }

    /// The same for one query that has just come: it may read from a replica.
    pub async fn for_query(&self) -> Self {
        let (store, from) = self.store.for_query().await;
        if let Some(from) = from {
            self.metrics.reads.note(from);
        }
        Self {
            store,
            ..self.clone()
        }
    }

    /// Begins a write. Nothing is kept unless it is committed.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn begin(&self) -> Result<Tx> {
        let tx = self.store.begin(self.now(), &self.events).await?;
        Ok(tx.fenced(self.fence))
    }

    /// The same for those who drive runs, from now until their term is over.
    #[must_use]
    pub fn in_term(&self, fence: Fence) -> Self {
        Self {
            served_since: self.now(),
            fence: Some(fence),
            ..self.clone()
        }
    }

    /// The directories that a user's tasks can reach without any rule: those of everybody, and the user's own. Rules are
    /// stronger: [`crate::mount::visible_to`] knows both.
    pub fn mounts_of(&self, user: &str) -> Vec<Mount> {
        let own = Mount {
            path: self.settings.workspaces.join(user),
            read_only: false,
        };
        self.settings.mounts.iter().cloned().chain([own]).collect()
    }
}
