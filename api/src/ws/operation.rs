//! One operation: results of the engine become messages to the client.

use std::sync::Arc;

use async_graphql::{Request, Variables};
use axum::extract::ws::Message;
use serde_json::Value;
use tracing::Span;
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
    /// What is logged of it is logged under this.
    pub(super) span: Span,
}

impl Operation {
    /// Runs until the operation is over, the client has ended it, or the connection is gone. What is only needed to begin
    /// is not kept: there may be a hundred thousand of these.
    pub(super) fn run(self) -> impl Future<Output = ()> + Send + use<> {
        let Self {
            place,
            engine,
            bearer,
            payload,
            outbox,
            span,
        } = self;
        let results = span.in_scope(|| Ongoing::begin(&engine, bearer, request(payload)));
        let cancelled = place.cancelled.clone();
        async move {
            let work = work(results, place, outbox);
            cancelled.run_until_cancelled(work).await;
        }
    }
}

async fn work(mut results: Ongoing, place: Place, outbox: Outbox) {
    // Waits for room. If nobody writes any more, the connection is ending and this operation with it.
    let send = async |message: Message| _ = outbox.send(message).await;
    while let Some(answer) = results.next().await {
        let message = told(&place.id, &answer);
        match answer {
            Answer::Result(_) | Answer::Partly { .. } => send(message).await,
            // Its id is free before the client hears of it.
            Answer::Failure { .. } if place.finish() => return send(message).await,
            Answer::Failure { .. } => return,
        }
    }
    if place.finish() {
        let id = place.id.clone();
        send(plain(&ServerMessage::Complete { id })).await;
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
