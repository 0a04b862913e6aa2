//! One operation: results of the engine become messages to the client.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Variables};
use axum::extract::ws::Message;
use serde_json::Value;
use tracing::{Instrument, Span};
use transport::ServerMessage;

use super::message::{plain, told};
use super::operations::Place;
use super::writer::Outbox;
use crate::answer::Answer;
use crate::auth::Bearer;
use crate::engine::Engine;
use crate::ongoing::Ongoing;

/// An operation that a client wants executed.
pub(super) struct Operation {
    pub(super) place: Place,
    pub(super) engine: Arc<Engine>,
    pub(super) bearer: Option<Bearer>,
    pub(super) payload: transport::Operation,
    pub(super) outbox: Outbox,
    /// Between two checks whether the token is still good.
    pub(super) recheck: Duration,
    /// What is logged of it is logged under this.
    pub(super) span: Span,
}

impl Operation {
    /// Runs until the operation is over, the client has ended it, or the connection is gone.
    pub(super) async fn run(self) {
        let cancelled = self.place.cancelled.clone();
        let work = self.work().instrument(self.span.clone());
        cancelled.run_until_cancelled(work).await;
    }

    async fn work(&self) {
        let request = request(self.payload.clone());
        let bearer = self.bearer.clone();
        let mut results = Ongoing::begin(&self.engine, bearer, request, self.recheck);
        while let Some(answer) = results.next().await {
            let message = told(&self.place.id, &answer);
            match answer {
                Answer::Result(_) | Answer::Partly { .. } => self.send(message).await,
                // Its id is free before the client hears of it.
                Answer::Failure { .. } if self.place.finish() => return self.send(message).await,
                Answer::Failure { .. } => return,
            }
        }
        if self.place.finish() {
            let id = self.place.id.clone();
            self.send(plain(&ServerMessage::Complete { id })).await;
        }
    }

    /// Waits for room. If nobody writes any more, the connection is ending and this operation with it.
    async fn send(&self, message: Message) {
        let _ = self.outbox.send(message).await;
    }
}

fn request(payload: transport::Operation) -> Request {
    let variables = Variables::from_json(Value::Object(payload.variables));
    let request = Request::new(payload.query).variables(variables);
    match payload.operation_name {
        Some(name) => request.operation_name(name),
        None => request,
    }
}
