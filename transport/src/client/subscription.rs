//! The results of one operation.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use futures_util::Stream;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

use super::driver::{Command, Outcome};
use crate::{Error, GraphqlError};

/// A stream of results, see [`crate::Connection::subscribe`].
pub struct Subscription {
    id: String,
    results: mpsc::Receiver<Outcome>,
    commands: mpsc::UnboundedSender<Command>,
    ended: Arc<OnceLock<Error>>,
    finished: bool,
}

impl Subscription {
    pub(super) fn new(
        id: String,
        results: mpsc::Receiver<Outcome>,
        commands: mpsc::UnboundedSender<Command>,
        ended: Arc<OnceLock<Error>>,
    ) -> Self {
        Self {
            id,
            results,
            commands,
            ended,
            finished: false,
        }
    }

    /// Why the connection is gone. Without a reason of the driver it was dropped on this side.
    fn loss(&self) -> Error {
        self.ended
            .get()
            .cloned()
            .unwrap_or_else(|| Error::from_close(None, String::new()))
    }
}

impl Stream for Subscription {
    type Item = Result<Value, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.finished {
            return Poll::Ready(None);
        }
        let outcome = ready!(self.results.poll_recv(cx));
        self.finished = !matches!(outcome, Some(Outcome::Next(_)));
        Poll::Ready(match outcome {
            Some(Outcome::Next(result)) => Some(data(result)),
            Some(Outcome::Error(errors)) => Some(Err(Error::from_graphql(errors))),
            Some(Outcome::Complete) => None,
            None => Some(Err(self.loss())),
        })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if !self.finished {
            let id = std::mem::take(&mut self.id);
            // Without a driver there is nobody left to tell.
            let _ = self.commands.send(Command::Cancel { id });
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An execution result.
#[derive(Deserialize)]
struct ExecutionResult {
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    errors: Option<Vec<GraphqlError>>,
}

fn data(result: Value) -> Result<Value, Error> {
    let malformed = |error| Error::Protocol(format!("an execution result cannot be read: {error}"));
    let result: ExecutionResult = serde_json::from_value(result).map_err(malformed)?;
    match (result.errors.unwrap_or_default(), result.data) {
        (errors, _) if !errors.is_empty() => Err(Error::from_graphql(errors)),
        (_, Some(data)) => Ok(data),
        (_, None) => Err(Error::Protocol(
            "an execution result has neither data nor errors".into(),
        )),
    }
}
