//! What is measured of the API, and how everything that is measured is shown: `GET /metrics`.
//!
//! Invariant: no label has a value that a client chose. Fields are those of the schema, everything else is `other`.

mod label;
mod meter;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::App;
use domain::store::PoolUse;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use label::RootFields;

pub(crate) use label::Label;
pub(crate) use meter::{Meter, OpenGauge};

/// What the text is, for whoever asks for it.
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Outcome of a request that was answered as it was asked.
const OK: &str = "OK";
/// Outcome of a request that never was answered: its client has gone, or there was nothing to say.
const NONE: &str = "NONE";

type Requests = Family<[(&'static str, &'static str); 3], Histogram, fn() -> Histogram>;
type Gauges = Family<[(&'static str, &'static str); 1], Gauge>;

/// What is measured of the API, with the registry of everything that is shown.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    fields: RootFields,
    requests: Requests,
    subscriptions: Gauges,
    websockets: Gauge,
    evaluations: Gauge,
    tailers: Gauge,
    pool_size: Gauges,
    pool_idle: Gauges,
    connections: Gauge,
    operations: Gauge,
    writes: Gauge,
    submits: Gauge,
}

/// What is looked at only when somebody asks.
#[derive(Debug)]
pub(crate) struct Momentary {
    /// Evaluations that run for everybody who asks for the same.
    pub(crate) evaluations: usize,
    /// Logs that are followed, each by one reader for all.
    pub(crate) tailers: usize,
    /// Connections to the database.
    pub(crate) pools: Vec<PoolUse>,
    /// Connections of clients.
    pub(crate) connections: usize,
    /// Operations that have begun and are not answered.
    pub(crate) operations: usize,
    /// Writes that begin or end.
    pub(crate) writes: usize,
    /// Submits that wait to be written.
    pub(crate) submits: usize,
}

impl Metrics {
    /// Of the schema in this text, beside what the platform measures itself.
    pub(crate) fn new(sdl: &str, app: &App) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("hai"),
            fields: RootFields::of(sdl),
            requests: Family::new_with_constructor(seconds),
            subscriptions: Gauges::default(),
            websockets: Gauge::default(),
            evaluations: Gauge::default(),
            tailers: Gauge::default(),
            pool_size: Gauges::default(),
            pool_idle: Gauges::default(),
            connections: Gauge::default(),
            operations: Gauge::default(),
            writes: Gauge::default(),
            submits: Gauge::default(),
        };
        metrics.register();
        app.metrics.register(&mut metrics.registry);
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version of the platform", version);
        registry.register(
            "request_seconds",
            "Time until a request was answered, a subscription for the first time",
            self.requests.clone(),
        );
        registry.register(
            "subscriptions_open",
            "Subscriptions that go on",
            self.subscriptions.clone(),
        );
        registry.register(
            "websockets_open",
            "WebSockets that are open",
            self.websockets.clone(),
        );
        registry.register(
            "shared_evaluations",
            "Live results that are computed once for all who ask for the same",
            self.evaluations.clone(),
        );
        registry.register(
            "log_tailers",
            "Logs that are read once for all who follow them",
            self.tailers.clone(),
        );
        registry.register(
            "database_pool_size",
            "Connections to the database",
            self.pool_size.clone(),
        );
        registry.register(
            "database_pool_idle",
            "Connections to the database that nobody uses",
            self.pool_idle.clone(),
        );
        registry.register(
            "connections_open",
            "Connections of clients that are open",
            self.connections.clone(),
        );
        registry.register(
            "operations_in_flight",
            "Operations that have begun and are not answered",
            self.operations.clone(),
        );
        registry.register(
            "database_writes_waiting",
            "Writes that begin or end, and wait for the database meanwhile",
            self.writes.clone(),
        );
        registry.register(
            "submits_waiting",
            "Submits that wait to be written together",
            self.submits.clone(),
        );
    }

    /// Begins to measure a request.
    pub(crate) fn begin(self: &Arc<Self>, label: Label) -> Meter {
        Meter::new(Arc::clone(self), label)
    }

    /// Counts a request that did not become an operation.
    pub(crate) fn refused(self: &Arc<Self>, code: &'static str) {
        self.begin(Label::OTHER).answered(Some(code));
    }

    /// A WebSocket is open for as long as this is kept.
    pub(crate) fn websocket(&self) -> OpenGauge {
        OpenGauge::new(self.websockets.clone())
    }

    /// Everything as text.
    pub(crate) fn text(&self, momentary: &Momentary) -> String {
        for (gauge, number) in [
            (&self.evaluations, momentary.evaluations),
            (&self.tailers, momentary.tailers),
            (&self.connections, momentary.connections),
            (&self.operations, momentary.operations),
            (&self.writes, momentary.writes),
            (&self.submits, momentary.submits),
        ] {
            gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        }
        for pool in &momentary.pools {
            let labels = [("pool", pool.name)];
            let set = |family: &Gauges, number: u32| {
                family.get_or_create(&labels).set(number.into());
            };
            set(&self.pool_size, pool.size);
            set(&self.pool_idle, pool.idle);
        }
        let mut text = String::new();
        // A string takes everything.
        let _ = prometheus_text::encode(&mut text, &self.registry);
        text
    }
}

fn seconds() -> Histogram {
    Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
}
