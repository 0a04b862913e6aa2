//! How well servers hear each other.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// What is measured of the relay between servers.
#[derive(Debug, Clone, Default)]
pub struct RelayMetrics {
    reconnects: Counter,
    dropped: Counter,
}

impl RelayMetrics {
    /// It is there again after it was away.
    pub fn reconnected(&self) {
        self.reconnects.inc();
    }

    /// So many wake-ups were replaced with one that says "look everywhere".
    pub fn dropped(&self, number: u64) {
        self.dropped.inc_by(number);
    }

    /// How often it was there again.
    pub fn n_reconnects(&self) -> u64 {
        self.reconnects.get()
    }

    /// How many wake-ups were replaced.
    pub fn n_dropped(&self) -> u64 {
        self.dropped.get()
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "relay_reconnects",
            "Times that the relay between servers was there again after it was away",
            self.reconnects.clone(),
        );
        registry.register(
            "relay_dropped_events",
            "Wake-ups for other servers that were replaced with one for everything",
            self.dropped.clone(),
        );
    }
}
