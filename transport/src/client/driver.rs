//! The task that owns the socket.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at, timeout},
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        error::{ProtocolError, SubProtocolError},
        http::{HeaderValue, Uri, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode as FrameCode},
    },
};

use crate::{
    ClientMessage, CloseCode, Error, GraphqlError, InitPayload, Operation, SUBPROTOCOL,
    ServerMessage,
};

/// Results of one operation that may wait for its reader.
pub(super) const RESULTS_PER_OPERATION: usize = 16;

/// The library's default buffers cost a hundred KiB per connection.
const BUFFER_BYTES: usize = 4096;

/// Largest message taken from the server: a page of a log has room, a run-away server does not fill the memory.
const MESSAGE_LIMIT_BYTES: usize = 16 << 20;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the handles ask of the driver. At most two per operation, so the queue of them needs no bound of its own.
pub(super) enum Command {
    Start {
        id: String,
        operation: Operation,
        results: mpsc::Sender<Outcome>,
    },
    Cancel {
        id: String,
    },
    Close,
}

/// What the driver hands to an operation.
pub(super) enum Outcome {
    Next(Value),
    Error(Vec<GraphqlError>),
    Complete,
}

/// Opens the socket and waits for the server's welcome. Without a `trust` of its own, a server over TLS is known by its name
/// and by who signed for it: whom this machine trusts, or the whole web.
pub(super) async fn connect(
    uri: Uri,
    token: Option<&str>,
    trust: Option<Arc<ClientConfig>>,
) -> Result<Socket, Error> {
    let mut request = uri.into_client_request().map_err(Error::unreachable)?;
    request.headers_mut().insert(
        SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(SUBPROTOCOL),
    );
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(MESSAGE_LIMIT_BYTES))
        .max_frame_size(Some(MESSAGE_LIMIT_BYTES));
    // A connector for TLS refuses an address without.
    let connector = trust
        .filter(|_| request.uri().scheme_str() == Some("wss"))
        .map(Connector::Rustls);
    let connected = connect_async_tls_with_config(request, Some(config), true, connector);
    let (mut socket, _response) = connected.await.map_err(lost)?;

    let payload = token.map(|token| InitPayload {
        token: Some(token.to_owned()),
    });
    send(&mut socket, &ClientMessage::ConnectionInit { payload }).await?;
    loop {
        match receive(socket.next().await)? {
            None | Some(ServerMessage::Pong { .. }) => {}
            Some(ServerMessage::ConnectionAck { .. }) => return Ok(socket),
            Some(ServerMessage::Ping { .. }) => {
                send(&mut socket, &ClientMessage::Pong { payload: None }).await?;
            }
            Some(
                ServerMessage::Next { .. }
                | ServerMessage::Error { .. }
                | ServerMessage::Complete { .. },
            ) => {
                return Err(Error::Protocol(
                    "a result came before the welcome".to_owned(),
                ));
            }
        }
    }
}

/// Owner of the socket after the welcome.
pub(super) struct Driver {
    socket: Socket,
    commands: mpsc::UnboundedReceiver<Command>,
    operations: HashMap<String, mpsc::Sender<Outcome>>,
    heartbeat: Interval,
    /// Whether the server said anything since the last ping.
    heard: bool,
}

impl Driver {
    pub(super) fn new(
        socket: Socket,
        commands: mpsc::UnboundedReceiver<Command>,
        period: Duration,
    ) -> Self {
        let mut heartbeat = interval_at(Instant::now() + period, period);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket,
            commands,
            operations: HashMap::new(),
            heartbeat,
            heard: true,
        }
    }

    /// Works until the connection ends and leaves the reason, before the operations see their queues closed.
    pub(super) async fn run(mut self, ended: Arc<OnceLock<Error>>) {
        let error = loop {
            if let Err(error) = self.turn().await {
                break error;
            }
        };
        tracing::debug!(%error, "the connection to the server ended");
        // Only this task sets it, and only here.
        let _ = ended.set(error);
    }

    async fn turn(&mut self) -> Result<(), Error> {
        tokio::select! {
            frame = self.socket.next() => {
                self.heard = true;
                match receive(frame)? {
                    Some(message) => self.hear(message).await,
                    None => Ok(()),
                }
            }
            command = self.commands.recv() => self.obey(command).await,
            _ = self.heartbeat.tick() => {
                if !std::mem::take(&mut self.heard) {
                    return Err(Error::Silent);
                }
                self.say(&ClientMessage::Ping { payload: None }).await
            }
        }
    }

    async fn hear(&mut self, message: ServerMessage) -> Result<(), Error> {
        match message {
            ServerMessage::Next { id, payload } => self.deliver(&id, Outcome::Next(payload)).await,
            ServerMessage::Error { id, payload } => {
                self.deliver(&id, Outcome::Error(payload)).await?;
                self.operations.remove(&id);
                Ok(())
            }
            ServerMessage::Complete { id } => {
                self.deliver(&id, Outcome::Complete).await?;
                self.operations.remove(&id);
                Ok(())
            }
            ServerMessage::Ping { .. } => self.say(&ClientMessage::Pong { payload: None }).await,
            ServerMessage::Pong { .. } => Ok(()),
            ServerMessage::ConnectionAck { .. } => {
                Err(Error::Protocol("a second welcome came".to_owned()))
            }
        }
    }

    async fn obey(&mut self, command: Option<Command>) -> Result<(), Error> {
        match command {
            Some(Command::Start {
                id,
                operation,
                results,
            }) => {
                self.operations.insert(id.clone(), results);
                self.say(&ClientMessage::Subscribe {
                    id,
                    payload: operation,
                })
                .await
            }
            Some(Command::Cancel { id }) => match self.operations.remove(&id) {
                Some(_) => self.say(&ClientMessage::Complete { id }).await,
                None => Ok(()),
            },
            Some(Command::Close) => {
                let frame = CloseFrame {
                    code: FrameCode::from(CloseCode::Normal.code()),
                    reason: CloseCode::Normal.reason().into(),
                };
                self.socket.close(Some(frame)).await.map_err(lost)?;
                Err(Error::from_close(None, String::new()))
            }
            // All handles are gone.
            None => Err(Error::from_close(None, String::new())),
        }
    }

    /// Puts an outcome into the operation's queue. While that is full nothing is read from the socket: the server is
    /// slowed down by TCP, and unasked pongs tell it that this side is alive.
    async fn deliver(&mut self, id: &str, outcome: Outcome) -> Result<(), Error> {
        let Some(results) = self.operations.get(id).cloned() else {
            // Results of an operation that was dropped may still be under way.
            return Ok(());
        };
        let permit = loop {
            tokio::select! {
                permit = results.reserve() => break permit,
                command = self.commands.recv() => self.obey(command).await?,
                _ = self.heartbeat.tick() => {
                    self.say(&ClientMessage::Pong { payload: None }).await?;
                }
            }
        };
        if let Ok(permit) = permit {
            permit.send(outcome);
        }
        Ok(())
    }

    async fn say(&mut self, message: &ClientMessage) -> Result<(), Error> {
        let period = self.heartbeat.period();
        match timeout(period, send(&mut self.socket, message)).await {
            Ok(sent) => sent,
            Err(_elapsed) => Err(Error::Silent),
        }
    }
}

async fn send(socket: &mut Socket, message: &ClientMessage) -> Result<(), Error> {
    socket
        .send(Message::text(message.to_text()))
        .await
        .map_err(lost)
}

/// What a frame says; `None` for those that the library handles itself.
fn receive(
    frame: Option<Result<Message, tungstenite::Error>>,
) -> Result<Option<ServerMessage>, Error> {
    match frame {
        Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
            Ok(message) => Ok(Some(message)),
            Err(error) => Err(Error::Protocol(format!(
                "a message cannot be read: {error}"
            ))),
        },
        Some(Ok(Message::Close(Some(frame)))) => Err(Error::from_close(
            Some(frame.code.into()),
            frame.reason.to_string(),
        )),
        Some(Ok(Message::Close(None))) | None => Err(Error::from_close(None, String::new())),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
            Err(Error::Protocol("a binary message came".to_owned()))
        }
        Some(Err(error)) => Err(lost(error)),
    }
}

fn lost(error: tungstenite::Error) -> Error {
    use tungstenite::Error as Ws;
    match error {
        Ws::Protocol(ProtocolError::SecWebSocketSubProtocolError(
            SubProtocolError::NoSubProtocol | SubProtocolError::InvalidSubProtocol,
        )) => Error::Protocol(format!("the server does not speak {SUBPROTOCOL}")),
        Ws::Capacity(error) => Error::Protocol(error.to_string()),
        Ws::Utf8(error) => Error::Protocol(error),
        other => Error::unreachable(other),
    }
}
