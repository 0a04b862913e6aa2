//! How long plans take, how much they look at, and who waits for what.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use scheduler::{Level, Readiness, Report, Snapshot, TaskState, Wait};

use super::short;

/// The level of an `AUTO` task that has none yet.
const NO_LEVEL: &str = "NONE";

/// What is measured of plans.
#[derive(Debug, Clone)]
pub struct PlanMetrics {
    seconds: Histogram,
    tasks: Family<[(&'static str, &'static str); 1], Gauge>,
    nodes: Family<[(&'static str, &'static str); 1], Gauge>,
    queue: Queue,
}

impl Default for PlanMetrics {
    fn default() -> Self {
        Self {
            seconds: short(),
            tasks: Family::default(),
            nodes: Family::default(),
            queue: Queue::default(),
        }
    }
}

impl PlanMetrics {
    /// A plan was made.
    pub fn note(&self, took: Duration, snapshot: &Snapshot, report: &Report) {
        self.seconds.observe(took.as_secs_f64());
        for (state, number) in tasks(snapshot) {
            self.tasks.get_or_create(&[("state", state)]).set(number);
        }
        for (readiness, number) in nodes(snapshot) {
            self.nodes
                .get_or_create(&[("readiness", readiness)])
                .set(number);
        }
        self.queue.set(count(&report.waiting));
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "plan_seconds",
            "Time that the planner took, without reading and writing rows",
            self.seconds.clone(),
        );
        registry.register(
            "plan_tasks",
            "Tasks that the last plan looked at",
            self.tasks.clone(),
        );
        registry.register(
            "plan_nodes",
            "Nodes that the last plan looked at",
            self.nodes.clone(),
        );
        registry.register_collector(Box::new(self.queue.clone()));
    }
}

fn tasks(snapshot: &Snapshot) -> [(&'static str, i64); 2] {
    let is_waiting = |state: &TaskState| matches!(state, TaskState::Waiting { .. });
    let waiting = snapshot.tasks.iter().filter(|it| is_waiting(&it.state));
    let waiting = waiting.count();
    let active = snapshot.tasks.len() - waiting;
    [("waiting", number(waiting)), ("active", number(active))]
}

fn nodes(snapshot: &Snapshot) -> [(&'static str, i64); 3] {
    let count = |readiness| {
        let nodes = snapshot.nodes.iter();
        number(nodes.filter(|node| node.readiness == readiness).count())
    };
    [
        ("ready", count(Readiness::Ready)),
        ("not_ready", count(Readiness::NotReady)),
        ("disabled", count(Readiness::Disabled)),
    ]
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Level and reason.
type Place = (&'static str, &'static str);

fn count(waiting: &[Wait]) -> BTreeMap<Place, i64> {
    let mut counts = BTreeMap::new();
    for wait in waiting {
        let level = wait.level.map_or(NO_LEVEL, Level::name);
        *counts.entry((level, wait.reason.kind())).or_default() += 1;
    }
    counts
}

/// Who waits, by level and reason. The numbers are those of one plan: nobody sees half of the next one.
#[derive(Debug, Clone, Default)]
struct Queue(Arc<Mutex<BTreeMap<Place, i64>>>);

impl Queue {
    /// Where nobody waits any more stays known, with nobody.
    fn set(&self, counts: BTreeMap<Place, i64>) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.values_mut().for_each(|number| *number = 0);
        shown.extend(counts);
    }
}

impl Collector for Queue {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut family = encoder.encode_descriptor(
            "queue_tasks",
            "Tasks that wait, as the last plan left them",
            None,
            MetricType::Gauge,
        )?;
        for ((level, reason), number) in &*shown {
            let labels = [("level", *level), ("reason", *reason)];
            ConstGauge::new(*number).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
