//! Who answers queries, where there is a replica.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::store::ReadFrom;

/// What is measured of queries.
#[derive(Debug, Clone, Default)]
pub struct ReadMetrics {
    queries: Family<[(&'static str, &'static str); 1], Counter>,
}

impl ReadMetrics {
    /// A query is answered by somebody.
    pub fn note(&self, from: ReadFrom) {
        let by = match from {
            ReadFrom::Replica => "replica",
            ReadFrom::PrimaryAsBehind => "primary_as_behind",
            ReadFrom::PrimaryAsAway => "primary_as_away",
        };
        self.queries.get_or_create(&[("by", by)]).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "database_queries",
            "Queries, by who answers them; only where there is a replica",
            self.queries.clone(),
        );
    }
}
