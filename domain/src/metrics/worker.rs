//! How often workers look, how long it takes them, and what comes of it.

use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::short;
use crate::error::Result;
use crate::workers::Tick;

type Labels = [(&'static str, &'static str); 2];

/// What is measured of workers.
#[derive(Debug, Clone)]
pub struct WorkerMetrics {
    ticks: Family<Labels, Histogram, fn() -> Histogram>,
}

impl Default for WorkerMetrics {
    fn default() -> Self {
        Self {
            ticks: Family::new_with_constructor(short),
        }
    }
}

/// What came of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickOutcome {
    /// There was something to do.
    Progress,
    /// There was nothing to do.
    Idle,
    /// Somebody else was faster.
    Conflict,
    /// It failed.
    Failed,
}

impl TickOutcome {
    /// What came of it.
    pub fn of(result: &Result<Tick>) -> Self {
        match result {
            Ok(tick) if tick.progress => Self::Progress,
            Ok(_) => Self::Idle,
            Err(error) if error.is_conflict() => Self::Conflict,
            Err(_) => Self::Failed,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Idle => "idle",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

impl WorkerMetrics {
    /// A worker has ticked.
    pub fn ticked(&self, worker: &'static str, outcome: TickOutcome, took: Duration) {
        let labels = [("worker", worker), ("outcome", outcome.name())];
        let of_both = self.ticks.get_or_create(&labels);
        of_both.observe(took.as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "worker_tick_seconds",
            "Time that a worker took to look and to make one step",
            self.ticks.clone(),
        );
    }
}
