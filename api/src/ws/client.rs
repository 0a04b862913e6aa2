//! A WebSocket as a foreign client has it, for tests.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{COOKIE, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use transport::SUBPROTOCOL;

use crate::testing::Served;

/// A connection.
pub(crate) struct Client(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    /// A connection that nobody has said anything on.
    pub(crate) async fn connect(served: &Served) -> Self {
        Self::offer(served, Some(SUBPROTOCOL)).await
    }

    /// The same, with another subprotocol.
    pub(super) async fn offer(served: &Served, protocol: Option<&'static str>) -> Self {
        let address = served.address.replace("http://", "ws://") + "/graphql";
        let mut request = address.into_client_request().unwrap();
        if let Some(protocol) = protocol {
            let value = protocol.parse().unwrap();
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        Self(connect_async(request).await.unwrap().0)
    }

    /// A connection of a browser: with a cookie, from a page.
    pub(crate) async fn browse(served: &Served, cookie: &str, origin: &str) -> Self {
        let address = served.address.replace("http://", "ws://") + "/graphql";
        let mut request = address.into_client_request().unwrap();
        for (name, value) in [
            (SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL),
            (COOKIE, cookie),
            (ORIGIN, origin),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let mut client = Self(connect_async(request).await.unwrap().0);
        client.say(json!({ "type": "connection_init" })).await;
        client
    }

    /// A connection that was welcomed.
    pub(crate) async fn welcome(served: &Served, payload: Value) -> Self {
        let mut client = Self::connect(served).await;
        client
            .say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
        client
    }

    /// The same, as the administrator.
    pub(crate) async fn root(served: &Served) -> Self {
        Self::welcome(served, json!({ "token": served.token() })).await
    }

    /// Says this.
    pub(crate) async fn say(&mut self, message: Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    /// Asks under this id.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": query } }))
            .await;
    }

    /// The next message.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message of an operation that must not fail.
    pub(crate) async fn hear_of_success(&mut self) -> Value {
        let message = self.hear().await;
        assert_ne!(message["type"], "error", "{message}");
        message
    }

    /// The close code, after whatever else comes.
    pub(crate) async fn closed(mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.0.next().await.unwrap().unwrap() {
                return frame.unwrap().code.into();
            }
        }
    }
}
