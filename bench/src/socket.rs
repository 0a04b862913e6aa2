//! A WebSocket to the platform whose texts are looked at as they are: so that many fit on one core.

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// The library clears its whole buffer before each read, by default 128 KiB.
const BUFFER_BYTES: usize = 4096;

/// An open WebSocket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// To any address.
    pub(crate) async fn open(request: impl IntoClientRequest + Unpin) -> Result<Self> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES);
        let (socket, _) = connect_async_with_config(request, Some(config), true).await?;
        Ok(Self(socket))
    }

    /// To the platform, with a token.
    pub(crate) async fn sign_in(url: &str, token: &str) -> Result<Self> {
        let mut request = format!("{}/graphql", url.replace("http", "ws")).into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", protocol);
        let mut socket = Self::open(request).await?;
        let init = json!({"type": "connection_init", "payload": {"token": token}});
        socket.send(&init).await?;
        Ok(socket)
    }

    /// Begins a subscription.
    pub(crate) async fn subscribe(&mut self, number: usize, query: &str) -> Result<()> {
        let payload = json!({"query": query});
        let id = number.to_string();
        self.send(&json!({"type": "subscribe", "id": id, "payload": payload}))
            .await
    }

    /// The next text.
    pub(crate) async fn text(&mut self) -> Result<Utf8Bytes> {
        loop {
            let message = self.0.next().await.context("the server hangs up")??;
            if let Message::Text(text) = message {
                return Ok(text);
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<()> {
        Ok(self.0.send(Message::text(message.to_string())).await?)
    }
}
