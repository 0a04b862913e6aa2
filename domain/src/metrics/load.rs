//! What was turned away because there was too much of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::error::Error;

/// Those who were turned away come again after one to two of these.
const PAUSE: Duration = Duration::from_secs(1);
/// The golden section of 2⁶⁴: its multiples spread evenly, however many there are.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Of what there is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// Operations in flight, of all clients.
    Operations,
    /// Operations in flight, of one token.
    OwnOperations,
    /// Subscriptions, of all clients.
    Subscriptions,
    /// Subscriptions, of one token.
    OwnSubscriptions,
    /// Operations that take long to compute.
    LongOperations,
    /// Long requests that are being read.
    LongRequests,
    /// Writes that wait for the database.
    Writes,
    /// Submits that wait to be written.
    Submits,
    /// Queries that wait for a connection to the database.
    Reads,
    /// Connections, of all clients.
    Connections,
    /// Connections, of one address.
    OwnConnections,
}

impl Overload {
    /// The word of the metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::OwnOperations => "operations_of_one",
            Self::Subscriptions => "subscriptions",
            Self::OwnSubscriptions => "subscriptions_of_one",
            Self::LongOperations => "long_operations",
            Self::LongRequests => "long_requests",
            Self::Writes => "writes",
            Self::Submits => "submits",
            Self::Reads => "reads",
            Self::Connections => "connections",
            Self::OwnConnections => "connections_of_one",
        }
    }
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operations => "too many operations are under way",
            Self::OwnOperations => "too many operations of this token are under way",
            Self::Subscriptions => "too many subscriptions are open",
            Self::OwnSubscriptions => "too many subscriptions of this token are open",
            Self::LongOperations => "too many long operations are under way",
            Self::LongRequests => "too many long requests are being read",
            Self::Writes => "too many writes wait for the database",
            Self::Submits => "too many submits wait to be written",
            Self::Reads => "too many queries wait for the database",
            Self::Connections => "too many connections are open",
            Self::OwnConnections => "too many connections of this address are open",
        })
    }
}

/// What is measured of too much. Copies share the numbers.
#[derive(Debug, Clone)]
pub struct LoadMetrics {
    shed: Family<[(&'static str, &'static str); 1], Counter>,
    pool_wait: Histogram,
    n_shed: Arc<AtomicU64>,
}

impl Default for LoadMetrics {
    fn default() -> Self {
        Self {
            shed: Family::default(),
            pool_wait: super::short(),
            n_shed: Arc::default(),
        }
    }
}

impl LoadMetrics {
    /// Something is turned away: counts it, and says when to come again. Those who are turned away together are not told
    /// the same moment.
    pub fn shed(&self, what: Overload) -> Error {
        self.shed.get_or_create(&[("reason", what.word())]).inc();
        let number = self.n_shed.fetch_add(1, Ordering::Relaxed);
        Error::Overloaded {
            what,
            retry_after: PAUSE + share(PAUSE, number),
        }
    }

    /// A query has waited so long for a connection to the database.
    pub fn waited_for_pool(&self, wait: Duration) {
        self.pool_wait.observe(wait.as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "shed",
            "What was turned away because there was too much of it",
            self.shed.clone(),
        );
        registry.register(
            "database_pool_wait_seconds",
            "Time that queries of people waited for a connection to the database",
            self.pool_wait.clone(),
        );
    }
}

/// A part of a time, another one for each number.
fn share(time: Duration, number: u64) -> Duration {
    let thousandths = number.wrapping_mul(SPREAD) >> 54;
    time * u32::try_from(thousandths).unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_turned_away_together_come_again_one_after_the_other() {
        let metrics = LoadMetrics::default();
        let wait = |error| match error {
            Error::Overloaded { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        };
        let shed = (0..100).map(|_| wait(metrics.shed(Overload::Operations)));
        let mut waits: Vec<Duration> = shed.collect();
        waits.sort_unstable();
        waits.dedup();
        assert_eq!(waits.len(), 100);
        assert!(waits[0] >= PAUSE && waits[99] < 2 * PAUSE);
        let gaps = waits.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max().unwrap() < PAUSE / 40, "they are spread evenly");
    }
}
