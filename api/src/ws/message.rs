//! What is written to a client, ready to be sent.

use async_graphql::{Response, ServerError, Value};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::Serialize;
use transport::{CloseCode, ServerMessage};

/// Why a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    code: CloseCode,
    reason: String,
}

impl End {
    /// An end for a reason of its own.
    pub(super) fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// The frame that says so.
    pub(super) fn frame(self) -> Message {
        Message::Close(Some(CloseFrame {
            code: self.code.code(),
            reason: Utf8Bytes::from(self.reason),
        }))
    }
}

impl From<CloseCode> for End {
    fn from(code: CloseCode) -> Self {
        Self::new(code, code.reason())
    }
}

/// An `error` with everything that the schema says about errors.
#[derive(Serialize)]
struct ErrorMessage<'a> {
    r#type: &'static str,
    id: &'a str,
    payload: &'a [ServerError],
}

/// A message without results.
pub(super) fn plain(message: &ServerMessage) -> Message {
    Message::text(message.to_text())
}

/// What a result of an operation becomes.
pub(super) enum Told {
    /// One of its results.
    Result(Message),
    /// It has failed as a whole and is over.
    Failure(Message),
}

/// A result for the operation with this id.
pub(super) fn told(id: &str, response: &Response) -> Told {
    if response.data == Value::Null && !response.errors.is_empty() {
        let message = ErrorMessage {
            r#type: "error",
            id,
            payload: &response.errors,
        };
        return Told::Failure(Message::text(text(&message)));
    }
    let result = text(response);
    Told::Result(Message::text(ServerMessage::next_text(id, &result)))
}

fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("messages and answers are plain data with string keys")
}
