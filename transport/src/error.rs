//! What can go wrong between a client and the server, by what the caller can do about it.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_tungstenite::tungstenite;

use crate::CloseCode;

/// Why an operation or a connection failed. Cheap to clone: each operation of a lost connection gets the reason.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The address is not one of a server.
    #[error("the server's address {0}")]
    Address(&'static str),
    /// No connection, or it broke. Worth trying again.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The server gave no sign of life for too long. Worth trying again.
    #[error("the server does not answer")]
    Silent,
    /// The connection was closed, by the server or by dropping the [`crate::Connection`]. Worth trying again.
    #[error("the connection is closed{}", reason_text(*code, reason))]
    Closed {
        /// Close code, if one was given.
        code: Option<u16>,
        /// What the server says about it; may be empty.
        reason: String,
    },
    /// The server does not accept the token, for the connection or for the operation.
    #[error("the server does not accept the token: {0}")]
    Unauthenticated(String),
    /// One side broke the protocol, probably because of its version.
    #[error("the server and this program do not understand each other: {0}")]
    Protocol(String),
    /// The server executed the operation and says what is wrong; at least one.
    #[error("{}", joined(.0))]
    Graphql(Vec<GraphqlError>),
}

impl Error {
    /// Whether the same attempt may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent | Self::Closed { .. } => true,
            Self::Graphql(_) => self.code() == Some("UNAVAILABLE"),
            Self::Address(_) | Self::Unauthenticated(_) | Self::Protocol(_) => false,
        }
    }

    /// `extensions.code` of the first GraphQL error that has one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Unauthenticated(_) => Some("UNAUTHENTICATED"),
            Self::Graphql(errors) => errors.iter().find_map(|error| error.code.as_deref()),
            Self::Address(_)
            | Self::Unreachable(_)
            | Self::Silent
            | Self::Closed { .. }
            | Self::Protocol(_) => None,
        }
    }

    /// When to try again, if the server had too much to do and says so: nothing of the operation has begun then.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Graphql(errors) => errors.iter().find_map(|error| error.retry_after),
            Self::Unauthenticated(_)
            | Self::Address(_)
            | Self::Unreachable(_)
            | Self::Silent
            | Self::Closed { .. }
            | Self::Protocol(_) => None,
        }
    }

    /// The library repeats the text of a cause in its own, so the cause is kept alone.
    pub(crate) fn unreachable(error: tungstenite::Error) -> Self {
        use tungstenite::Error as Ws;
        Self::Unreachable(match error {
            Ws::Io(cause) => Arc::new(cause),
            Ws::Tls(cause) => Arc::new(cause),
            Ws::Protocol(cause) => Arc::new(cause),
            Ws::Url(cause) => Arc::new(cause),
            other => Arc::new(other),
        })
    }

    /// The meaning of a close frame, or of an end without one.
    pub(crate) fn from_close(code: Option<u16>, reason: String) -> Self {
        match code.and_then(CloseCode::from_code) {
            Some(CloseCode::Unauthorized | CloseCode::Forbidden) => Self::Unauthenticated(reason),
            Some(
                CloseCode::BadRequest
                | CloseCode::SubprotocolNotAcceptable
                | CloseCode::SubscriberAlreadyExists
                | CloseCode::TooManyInitialisationRequests,
            ) => Self::Protocol(reason),
            Some(
                CloseCode::Normal
                | CloseCode::GoingAway
                | CloseCode::InitialisationTimeout
                | CloseCode::InternalServerError,
            )
            | None => Self::Closed { code, reason },
        }
    }

    /// The meaning of the errors of an execution result.
    pub(crate) fn from_graphql(errors: Vec<GraphqlError>) -> Self {
        match errors
            .iter()
            .find(|error| error.code.as_deref() == Some("UNAUTHENTICATED"))
        {
            Some(error) => Self::Unauthenticated(error.message.clone()),
            None => Self::Graphql(errors),
        }
    }
}

/// One GraphQL error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct GraphqlError {
    /// For people.
    pub message: String,
    /// `extensions.code`: what the caller can do, from the closed list of the schema.
    pub code: Option<String>,
    /// `extensions.field`: which input is wrong.
    pub field: Option<String>,
    /// `extensions.retryAfter`: when to try again.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for GraphqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for GraphqlError {}

/// A GraphQL error as the specification nests it.
#[derive(Serialize, Deserialize)]
struct Wire {
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extensions: Option<Extensions>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    #[serde(default, skip_serializing_if = "Value::is_null")]
    code: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    field: Value,
    /// In seconds.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    retry_after: Value,
}

impl From<Wire> for GraphqlError {
    fn from(wire: Wire) -> Self {
        let text = |value: Value| value.as_str().map(str::to_owned);
        let extensions = wire.extensions.unwrap_or_default();
        let seconds = extensions.retry_after.as_f64();
        Self {
            retry_after: seconds.and_then(|wait| Duration::try_from_secs_f64(wait).ok()),
            message: wire.message,
            code: text(extensions.code),
            field: text(extensions.field),
        }
    }
}

impl From<GraphqlError> for Wire {
    fn from(error: GraphqlError) -> Self {
        let retry_after = error.retry_after.map(|wait| wait.as_secs_f64());
        let is_any = error.code.is_some() || error.field.is_some() || retry_after.is_some();
        let extensions = is_any.then(|| Extensions {
            code: error.code.into(),
            field: error.field.into(),
            retry_after: retry_after.into(),
        });
        Self {
            message: error.message,
            extensions,
        }
    }
}

fn joined(errors: &[GraphqlError]) -> String {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    messages.join("; ")
}

fn reason_text(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, "") => String::new(),
        (None, reason) => format!(": {reason}"),
        (Some(code), "") => format!(" (code {code})"),
        (Some(code), reason) => format!(" (code {code}): {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_graphql_error_keeps_code_and_field() {
        let wire = json!({
            "message": "too few nodes",
            "locations": [{ "line": 1, "column": 3 }],
            "path": ["submitTask"],
            "extensions": { "code": "INVALID_INPUT", "field": "resource.nodeCount", "id": 5 },
        });
        let error: GraphqlError = serde_json::from_value(wire).unwrap();
        assert_eq!(error.code.as_deref(), Some("INVALID_INPUT"));
        assert_eq!(error.field.as_deref(), Some("resource.nodeCount"));
        let again = json!({
            "message": "too few nodes",
            "extensions": { "code": "INVALID_INPUT", "field": "resource.nodeCount" },
        });
        assert_eq!(serde_json::to_value(&error).unwrap(), again);
    }

    #[test]
    fn who_was_turned_away_may_try_again_when_it_is_time() {
        let wire = json!({
            "message": "too much",
            "extensions": { "code": "UNAVAILABLE", "retryAfter": 1.5 },
        });
        let error: GraphqlError = serde_json::from_value(wire.clone()).unwrap();
        assert_eq!(serde_json::to_value(&error).unwrap(), wire);
        let error = Error::from_graphql(vec![error]);
        assert!(error.is_retryable());
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1500)));
        let refused = json!({ "message": "no", "extensions": { "code": "CONFLICT" } });
        let refused = Error::from_graphql(vec![serde_json::from_value(refused).unwrap()]);
        assert!(!refused.is_retryable());
        assert_eq!(refused.retry_after(), None);
    }

    #[test]
    fn a_bare_graphql_error_has_neither_code_nor_field() {
        let error: GraphqlError = serde_json::from_value(json!({ "message": "no" })).unwrap();
        assert_eq!(
            error,
            GraphqlError {
                message: "no".into(),
                code: None,
                field: None,
                retry_after: None,
            }
        );
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            json!({ "message": "no" })
        );
    }

    #[test]
    fn close_codes_tell_what_to_do() {
        let close = |code| Error::from_close(code, "why".into());
        for code in [4401, 4403] {
            assert!(
                matches!(close(Some(code)), Error::Unauthenticated(_)),
                "{code}"
            );
        }
        for code in [4400, 4406, 4409, 4429] {
            assert!(matches!(close(Some(code)), Error::Protocol(_)), "{code}");
        }
        for code in [
            None,
            Some(1000),
            Some(1001),
            Some(1011),
            Some(4408),
            Some(4500),
        ] {
            assert!(close(code).is_retryable(), "{code:?}");
        }
    }
}
