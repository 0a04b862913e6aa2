//! Takes a client in.

use std::sync::Arc;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use domain::Result;
use domain::audit::Origin;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use transport::{CloseCode, SUBPROTOCOL};

use super::connection::Connection;
use super::greeting::greet;
use super::message::Left;
use super::parting::part;
use crate::auth::Bearer;
use crate::config::{Limits, Timing};
use crate::engine::Engine;

/// The library's default would cost a hundred KiB per connection. A longer message has a longer buffer.
const READ_BYTES: usize = 1024;
/// What is written at once; the buffer grows when there is so much.
const WRITE_BYTES: usize = 16 * 1024;

/// Longest message. Each connection may keep one in memory; what is longer is sent with POST.
const MOST_MESSAGE_BYTES: usize = 256 * 1024;

/// What a connection needs.
pub(crate) struct Setting {
    /// The session of the cookie that came with that request, if it is one that may be used.
    pub(crate) cookie: Result<Option<Bearer>>,
    /// From where the request came that has become the connection.
    pub(crate) origin: Origin,
    /// Whether its connection is one of those that are kept for agents.
    pub(crate) is_of_reserve: bool,
    /// Executes operations.
    pub(crate) engine: Arc<Engine>,
    /// How much one client may ask for.
    pub(crate) limits: Limits,
    /// How long to wait for the client.
    pub(crate) timing: Timing,
    /// Where the connections of people run on, if not here.
    pub(crate) people: Option<Handle>,
    /// For everything that runs on.
    pub(crate) tracker: TaskTracker,
    /// Ends all connections.
    pub(crate) stop: CancellationToken,
}

/// Answers the upgrade and serves the connection until it ends.
pub(crate) fn accept(upgrade: WebSocketUpgrade, setting: Setting) -> Response {
    let most = setting.limits.body_bytes.min(MOST_MESSAGE_BYTES);
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_message_size(most)
        .max_frame_size(most)
        .on_upgrade(move |socket| {
            let tracker = setting.tracker.clone();
            tracker.track_future(serve(socket, setting))
        })
}

async fn serve(mut socket: WebSocket, mut setting: Setting) {
    let patience = setting.timing.goodbye;
    let speaks_ours = socket
        .protocol()
        .is_some_and(|protocol| protocol.as_bytes() == SUBPROTOCOL.as_bytes());
    if !speaks_ours {
        let end = CloseCode::SubprotocolNotAcceptable.into();
        return part(&mut socket, Left::With(end), patience).await;
    }
    let open = setting.engine.metrics().websocket();
    let client = match greet(&mut socket, &mut setting).await {
        Ok(client) => client,
        Err(left) => return part(&mut socket, left, patience).await,
    };
    let elsewhere = setting.people.clone().filter(|_| !client.is_agent());
    let tracker = setting.tracker.clone();
    let connection = async move {
        let _open = open;
        Connection::new(setting, client).serve(socket).await;
    };
    match elsewhere {
        Some(elsewhere) => drop(tracker.spawn_on(connection, &elsewhere)),
        None => connection.await,
    }
}
