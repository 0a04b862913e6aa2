//! How long people wait for runs.

use chrono::TimeDelta;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use scheduler::Level;

use super::long;

type ByLevel = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

/// What is measured of runs.
#[derive(Debug, Clone)]
pub struct RunMetrics {
    wait: ByLevel,
    start: Histogram,
    giving_way: Histogram,
}

impl Default for RunMetrics {
    fn default() -> Self {
        Self {
            wait: Family::new_with_constructor(long),
            start: long(),
            giving_way: long(),
        }
    }
}

impl RunMetrics {
    /// The first run of a task begins, so long after the submit.
    pub fn begun(&self, level: Level, waited: TimeDelta) {
        let of_level = self.wait.get_or_create(&[("level", level.name())]);
        of_level.observe(waited.as_seconds_f64());
    }

    /// All ranks of a run have passed the gate, so long after it was planned.
    pub fn running(&self, took: TimeDelta) {
        self.start.observe(took.as_seconds_f64());
    }

    /// A run has given way, so long after it was asked to.
    pub fn gave_way(&self, took: TimeDelta) {
        self.giving_way.observe(took.as_seconds_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "run_wait_seconds",
            "Time from the submit of a task to the beginning of its first run",
            self.wait.clone(),
        );
        registry.register(
            "run_start_seconds",
            "Time from the beginning of a run until all its ranks have passed the gate",
            self.start.clone(),
        );
        registry.register(
            "run_giving_way_seconds",
            "Time from the request to give way until nothing of the run is left",
            self.giving_way.clone(),
        );
    }
}
