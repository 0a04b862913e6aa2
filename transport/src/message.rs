//! The messages of graphql-transport-ws, as they are on the wire.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::GraphqlError;

/// Name of the WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "graphql-transport-ws";

/// What a client says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// The first message, exactly once.
    ConnectionInit {
        /// Who the client is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<InitPayload>,
    },
    /// Are you there? Either side may ask at any time.
    Ping {
        /// Returned by nobody; for the sender's own use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    /// The answer to a ping, also allowed unasked as a sign of life.
    Pong {
        /// As in a ping.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    /// Starts an operation: a query, a mutation, or a subscription.
    Subscribe {
        /// Unique among the operations that run on this connection.
        id: String,
        /// What to execute.
        payload: Operation,
    },
    /// The client wants no more results of the operation.
    Complete {
        /// The operation.
        id: String,
    },
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The client is welcome and may start operations.
    ConnectionAck {
        /// Nothing that our clients read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    /// Are you there? Either side may ask at any time.
    Ping {
        /// Returned by nobody; for the sender's own use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    /// The answer to a ping, also allowed unasked as a sign of life.
    Pong {
        /// As in a ping.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    /// A result of an operation.
    Next {
        /// The operation.
        id: String,
        /// An execution result: an object with `data`, `errors`, or both.
        payload: Value,
    },
    /// The operation could not be executed at all; it is over, no `Complete` follows.
    Error {
        /// The operation.
        id: String,
        /// At least one.
        payload: Vec<GraphqlError>,
    },
    /// The operation is over.
    Complete {
        /// The operation.
        id: String,
    },
}

/// Who a client is. Other members of the payload are ignored.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InitPayload {
    /// The bearer token; absent for what everybody may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl fmt::Debug for InitPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("InitPayload")
            .field("token", &token)
            .finish()
    }
}

/// A GraphQL document to execute.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The document.
    pub query: String,
    /// Values of the variables by name.
    #[serde(
        default,
        deserialize_with = "or_null",
        skip_serializing_if = "Map::is_empty"
    )]
    pub variables: Map<String, Value>,
    /// Which operation of the document; needed if it has more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_name: Option<String>,
}

impl Operation {
    /// A document without variables.
    pub fn new(query: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            ..Self::default()
        }
    }

    /// Sets one variable.
    pub fn variable(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }
}

impl ClientMessage {
    /// The text frame of this message.
    pub fn to_text(&self) -> String {
        to_text(self)
    }
}

impl ServerMessage {
    /// The text frame of this message.
    pub fn to_text(&self) -> String {
        to_text(self)
    }

    /// The text frame of a [`ServerMessage::Next`] around an execution result that is JSON already, so that a result
    /// for many subscribers is serialized once.
    pub fn next_text(id: &str, result: &str) -> String {
        let id = to_text(&id);
        format!(r#"{{"type":"next","id":{id},"payload":{result}}}"#)
    }

    /// The text frame of a [`ServerMessage::Error`] around a list of errors that is JSON already.
    pub fn error_text(id: &str, errors: &str) -> String {
        let id = to_text(&id);
        format!(r#"{{"type":"error","id":{id},"payload":{errors}}}"#)
    }
}

fn to_text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("messages are plain data with string keys")
}

/// Clients may send `null` for no variables.
fn or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(text: &str) -> ClientMessage {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_init_is_read_with_and_without_a_payload() {
        let token = |token: Option<&str>| InitPayload {
            token: token.map(str::to_owned),
        };
        let cases = [
            (r#"{"type":"connection_init"}"#, None),
            (r#"{"type":"connection_init","payload":null}"#, None),
            (
                r#"{"type":"connection_init","payload":{"lang":"en"}}"#,
                Some(token(None)),
            ),
            (
                r#"{"type":"connection_init","payload":{"token":"t"}}"#,
                Some(token(Some("t"))),
            ),
        ];
        for (text, payload) in cases {
            assert_eq!(
                client(text),
                ClientMessage::ConnectionInit { payload },
                "{text}"
            );
        }
    }

    #[test]
    fn a_subscribe_is_read_as_other_clients_write_it() {
        let message = client(
            r#"{"id":"1","type":"subscribe","payload":{"query":"{me{name}}","variables":null,"extensions":{}}}"#,
        );
        let payload = Operation::new("{me{name}}");
        assert_eq!(
            message,
            ClientMessage::Subscribe {
                id: "1".into(),
                payload
            }
        );
    }

    #[test]
    fn what_the_protocol_does_not_know_is_an_error() {
        for text in [
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"subscribe","payload":{"query":"{me}"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{me}","variables":[1]}}"#,
            r#"{"type":"next","id":"1","payload":{}}"#,
            "",
        ] {
            assert!(
                serde_json::from_str::<ClientMessage>(text).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn messages_are_written_without_empty_members() {
        let operation = Operation::new("query A($n: Int!) { a(n: $n) }").variable("n", 7);
        let subscribe = ClientMessage::Subscribe {
            id: "4".into(),
            payload: operation,
        };
        assert_eq!(
            subscribe.to_text(),
            r#"{"type":"subscribe","id":"4","payload":{"query":"query A($n: Int!) { a(n: $n) }","variables":{"n":7}}}"#
        );
        assert_eq!(
            ClientMessage::Pong { payload: None }.to_text(),
            r#"{"type":"pong"}"#
        );
    }

    #[test]
    fn a_spliced_next_equals_a_serialized_one() {
        let payload = json!({ "data": { "me": { "name": "ana \"a\"" } } });
        let text = ServerMessage::next_text("q\"1", &payload.to_string());
        assert_eq!(
            text,
            ServerMessage::Next {
                id: "q\"1".into(),
                payload
            }
            .to_text()
        );
    }

    #[test]
    fn a_spliced_error_is_read_like_any_other() {
        let errors = json!([{ "message": "no \"x\"", "extensions": { "code": "NOT_FOUND" } }]);
        let text = ServerMessage::error_text("q\"1", &errors.to_string());
        let ServerMessage::Error { id, payload } = serde_json::from_str(&text).unwrap() else {
            panic!("{text}");
        };
        assert_eq!((id.as_str(), payload.len()), ("q\"1", 1));
        assert_eq!(payload[0].message, "no \"x\"");
    }

    #[test]
    fn debug_output_hides_the_token() {
        let payload = Some(InitPayload {
            token: Some("ACCESS-secret".into()),
        });
        let debug = format!("{:?}", ClientMessage::ConnectionInit { payload });
        assert!(!debug.contains("secret"), "{debug}");
    }
}
