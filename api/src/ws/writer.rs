//! The writing half of a connection.

use axum::extract::ws::{Message, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::sync::mpsc;

/// Messages that wait to be written. Beyond that operations wait, so that a slow client costs bounded memory.
pub(super) const QUEUE: usize = 16;

/// Writes what comes through the queue, as many messages per flush as there are, until the client takes no more.
pub(super) async fn write(sink: &mut SplitSink<WebSocket, Message>, queue: &mut Queue) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, QUEUE).await > 0 {
        for message in batch.drain(..) {
            if sink.feed(message).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

/// Where the writer takes its messages from.
pub(super) type Queue = mpsc::Receiver<Message>;
/// Where operations put their messages.
pub(super) type Outbox = mpsc::Sender<Message>;
