//! One operation: results of the engine become messages to the client.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, Variables};
use axum::extract::ws::Message;
use domain::Error;
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use transport::ServerMessage;

use super::message::{Told, plain, told};
use super::operations::Place;
use super::writer::Outbox;
use crate::auth::Bearer;
use crate::engine::Engine;
use crate::error;

/// An operation that a client wants executed.
pub(super) struct Operation {
    pub(super) place: Place,
    pub(super) engine: Arc<Engine>,
    pub(super) bearer: Option<Bearer>,
    pub(super) payload: transport::Operation,
    pub(super) outbox: Outbox,
    /// Between two checks whether the token is still good.
    pub(super) recheck: Duration,
}

impl Operation {
    /// Runs until the operation is over, the client has ended it, or the connection is gone.
    pub(super) async fn run(self) {
        let cancelled = self.place.cancelled.clone();
        let work = AssertUnwindSafe(self.work()).catch_unwind();
        let done = cancelled.run_until_cancelled(work).await;
        if let Some(Err(_panic)) = done {
            let failure = error::refusal(Error::internal("an operation panicked"));
            self.fail(&error::told(Response::from_errors(vec![failure])))
                .await;
        }
    }

    async fn work(&self) {
        let request = request(self.payload.clone());
        let results = Arc::clone(&self.engine).stream(self.bearer.clone(), request);
        let mut results = pin!(results);
        let mut recheck = interval_at(Instant::now() + self.recheck, self.recheck);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let result = tokio::select! {
                result = results.next() => result,
                _ = recheck.tick() => match self.refused().await {
                    Some(refusal) => Some(refusal),
                    None => continue,
                },
            };
            let Some(response) = result else {
                break;
            };
            match told(&self.place.id, &response) {
                Told::Result(message) => self.send(message).await,
                Told::Failure(_) => return self.fail(&response).await,
            }
        }
        if self.place.finish() {
            let id = self.place.id.clone();
            self.send(plain(&ServerMessage::Complete { id })).await;
        }
    }

    /// The answer to a token that is no longer good. A database that is away for a moment ends nothing.
    async fn refused(&self) -> Option<Response> {
        match self.engine.check(self.bearer.as_ref()?).await {
            Err(failure @ Error::Unauthenticated) => {
                let refusal = error::refusal(failure);
                Some(error::told(Response::from_errors(vec![refusal])))
            }
            Ok(()) | Err(_) => None,
        }
    }

    /// The last that a client hears of an operation that has failed as a whole.
    async fn fail(&self, response: &Response) {
        if self.place.finish()
            && let Told::Failure(message) | Told::Result(message) = told(&self.place.id, response)
        {
            self.send(message).await;
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
