//! Measures one request.

use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;

use super::{Label, Metrics, NONE, OK};

/// Measures one request until its first answer; of a subscription also that it is open.
#[derive(Debug)]
pub(crate) struct Meter {
    metrics: Arc<Metrics>,
    begun: Instant,
    label: Label,
    is_answered: bool,
    open: Option<OpenGauge>,
}

impl Meter {
    pub(super) fn new(metrics: Arc<Metrics>, label: Label) -> Self {
        Self {
            metrics,
            begun: Instant::now(),
            label,
            is_answered: false,
            open: None,
        }
    }

    /// It is the operation of this document that has the name, if there is one.
    pub(crate) fn is_of(&mut self, document: &ExecutableDocument, name: Option<&str>) {
        self.label = self.metrics.fields.label(document, name);
    }

    /// What it is called.
    pub(crate) fn label(&self) -> Label {
        self.label
    }

    /// It may be executed: if it is a subscription, it is open from now on.
    pub(crate) fn admitted(&mut self) {
        if self.label.operation == "subscription" {
            let labels = [("field", self.label.field)];
            let open = self.metrics.subscriptions.get_or_create_owned(&labels);
            self.open = Some(OpenGauge::new(open));
        }
    }

    /// It was answered, with an error of this code if there was one. Later answers change nothing.
    pub(crate) fn answered(&mut self, code: Option<&'static str>) {
        if !std::mem::replace(&mut self.is_answered, true) {
            self.observe(code.unwrap_or(OK));
        }
    }

    fn observe(&self, outcome: &'static str) {
        let labels = [
            ("operation", self.label.operation),
            ("field", self.label.field),
            ("outcome", outcome),
        ];
        let requests = self.metrics.requests.get_or_create(&labels);
        requests.observe(self.begun.elapsed().as_secs_f64());
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if !self.is_answered {
            self.observe(NONE);
        }
    }
}

/// Counts one more for as long as it is kept.
#[derive(Debug)]
pub(crate) struct OpenGauge(Gauge);

impl OpenGauge {
    pub(super) fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for OpenGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}
