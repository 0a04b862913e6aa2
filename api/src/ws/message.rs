//! What is written to a client, ready to be sent.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use transport::{CloseCode, ServerMessage};

use crate::answer::Answer;

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

/// A message without results.
pub(super) fn plain(message: &ServerMessage) -> Message {
    Message::text(message.to_text())
}

/// What the operation with this id tells its client.
pub(super) fn told(id: &str, answer: &Answer) -> Message {
    Message::text(match answer {
        Answer::Result(result) | Answer::Partly { result, .. } => {
            ServerMessage::next_text(id, result)
        }
        Answer::Failure { errors, .. } => ServerMessage::error_text(id, errors),
    })
}
