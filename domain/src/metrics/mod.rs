//! What is measured while the platform works: numbers in memory, which nothing decides by.
//!
//! They are made of the plain types of `prometheus-client`, which are atomics and a lock each. How they are shown, and
//! to whom, is the business of whoever [registers](Metrics::register) them.

mod lead;
mod load;
mod plan;
mod read;
mod relay;
mod run;
mod worker;

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use lead::LeadMetrics;
pub use load::{LoadMetrics, Overload};
pub use plan::PlanMetrics;
pub use read::ReadMetrics;
pub use relay::RelayMetrics;
pub use run::RunMetrics;
pub use worker::{TickOutcome, WorkerMetrics};

/// What is measured. Copies share the numbers.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Of plans: how long they take, how much they look at, who waits.
    pub plans: PlanMetrics,
    /// Of queries: who answers them.
    pub reads: ReadMetrics,
    /// Of too much: what was turned away, and how long the database lets people wait.
    pub load: LoadMetrics,
    /// Of the relay between servers: how often it was away, and what was lost by it.
    pub relay: RelayMetrics,
    /// Of runs: how long it takes until they begin, and until they have given way.
    pub runs: RunMetrics,
    /// Of the lease: whether this process has it.
    pub lead: LeadMetrics,
    /// Of workers: their ticks.
    pub workers: WorkerMetrics,
}

impl Metrics {
    /// Has them shown.
    pub fn register(&self, registry: &mut Registry) {
        self.plans.register(registry);
        self.reads.register(registry);
        self.load.register(registry);
        self.relay.register(registry);
        self.runs.register(registry);
        self.lead.register(registry);
        self.workers.register(registry);
    }
}

/// For work that takes from a millisecond to ten seconds.
fn short() -> Histogram {
    Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
}

/// For what people wait for: from a tenth of a second to a day.
fn long() -> Histogram {
    Histogram::new([
        0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3600.0, 14_400.0, 86_400.0,
    ])
}
