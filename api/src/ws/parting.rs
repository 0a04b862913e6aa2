//! The end of a connection.

use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use domain::Error;
use futures_util::StreamExt;
use tokio::time::timeout;
use transport::CloseCode;

use super::message::{End, Left};

/// Says goodbye, as far as that is due, but not for long.
pub(super) async fn part(socket: &mut WebSocket, left: Left, patience: Duration) {
    match left {
        Left::With(end) => goodbye(socket, end, patience).await,
        Left::ShutOut => {
            let end = End::new(CloseCode::Forbidden, Error::Unauthenticated.to_string());
            goodbye(socket, end, patience).await;
        }
        // The library returns it as soon as it is asked for more.
        Left::Politely => _ = timeout(patience, socket.next()).await,
        Left::Silently => {}
    }
}

/// Sends the reason and waits until the client has returned it, but not for long.
async fn goodbye(socket: &mut WebSocket, end: End, patience: Duration) {
    let parting = async {
        if socket.send(end.frame()).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(patience, pin!(parting)).await;
}
