//! What a client says, and what is written to it, ready to be sent.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::Deserialize;
use serde_json::Value;
use transport::{ClientMessage, CloseCode, ServerMessage};

use crate::answer::Answer;
use crate::auth::Bearer;

/// How reading ended.
pub(super) enum Left {
    /// We say goodbye.
    With(End),
    /// The client's token or session is no longer good.
    ShutOut,
    /// The client said goodbye and wants it returned.
    Politely,
    /// The client is gone.
    Silently,
}

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

/// What a client said.
pub(super) enum Heard {
    /// Who it is.
    Init(Option<Bearer>),
    /// Anything else.
    Other(ClientMessage),
}

/// How clients that are not ours introduce themselves: with the header of HTTP.
#[derive(Deserialize)]
struct ForeignInit {
    #[serde(default, alias = "authorization")]
    #[serde(rename = "Authorization")]
    authorization: Option<String>,
}

/// What a frame says, unless it is one of the connection itself.
pub(super) fn heard(frame: Option<Result<Message, axum::Error>>) -> Result<Option<Heard>, Left> {
    match frame {
        Some(Ok(Message::Text(text))) => read(&text).map(Some).map_err(Left::With),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Left::With(CloseCode::BadRequest.into())),
        Some(Ok(Message::Close(_))) => Err(Left::Politely),
        None => Err(Left::Silently),
        Some(Err(error)) => {
            tracing::debug!(%error, "a connection broke");
            Err(Left::With(CloseCode::BadRequest.into()))
        }
    }
}

fn read(text: &str) -> Result<Heard, End> {
    let bad_request = || End::from(CloseCode::BadRequest);
    let message = serde_json::from_str(text).map_err(|_| bad_request())?;
    let ClientMessage::ConnectionInit { payload } = message else {
        return Ok(Heard::Other(message));
    };
    if let Some(token) = payload.and_then(|payload| payload.token) {
        return Ok(Heard::Init(Some(Bearer::new(token))));
    }
    let mut message: Value = serde_json::from_str(text).map_err(|_| bad_request())?;
    let foreign: Option<ForeignInit> =
        serde_json::from_value(message["payload"].take()).map_err(|_| bad_request())?;
    let authorization = foreign.and_then(|foreign| foreign.authorization);
    let bearer = authorization
        .map(|value| Bearer::from_authorization(&value))
        .transpose()
        .map_err(|failure| End::new(CloseCode::Forbidden, failure.to_string()))?;
    Ok(Heard::Init(bearer))
}
