//! Whether this process drives the platform, and how often that began.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What is measured of terms.
#[derive(Debug, Clone, Default)]
pub struct LeadMetrics {
    leads: Gauge,
    epoch: Gauge<i64>,
    terms: Counter<u64, AtomicU64>,
}

impl LeadMetrics {
    /// A term of this process begins.
    pub(crate) fn begins(&self, epoch: i64) {
        self.leads.set(1);
        self.epoch.set(epoch);
        self.terms.inc();
    }

    /// It is over.
    pub(crate) fn ends(&self) {
        self.leads.set(0);
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "leader",
            "Whether this process drives the platform",
            self.leads.clone(),
        );
        registry.register(
            "leader_epoch",
            "Number of the last term of this process, in the order of all terms of all processes",
            self.epoch.clone(),
        );
        registry.register(
            "leader_terms",
            "Terms of this process since its start",
            self.terms.clone(),
        );
    }
}
