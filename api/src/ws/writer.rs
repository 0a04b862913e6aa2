//! The writing half of a connection.

use std::pin::pin;
use std::task::Poll;

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, poll};
use tokio::sync::{Semaphore, mpsc};

/// Messages that wait to be written. Beyond that operations wait, so that a slow client costs bounded memory.
pub(super) const QUEUE: usize = 16;

/// Writes what comes through the queue, as many messages per flush as there are, until the client takes no more.
///
/// One change may be something to write for thousands at the same moment. They take turns: whoever asks something meanwhile
/// waits for a few of them, not for all. A turn is not for waiting, so it is given back where the client has no room.
pub(super) async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    queue: &mut Queue,
    turns: &Semaphore,
) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, QUEUE).await > 0 {
        // They are never closed; if they were, everybody would write at once.
        let turn = turns.acquire().await;
        let mut writing = pin!(async {
            for message in batch.drain(..) {
                sink.feed(message).await?;
            }
            sink.flush().await
        });
        let written = match poll!(&mut writing) {
            Poll::Ready(written) => written,
            Poll::Pending => {
                drop(turn);
                writing.await
            }
        };
        if written.is_err() {
            return;
        }
    }
}

/// Where the writer takes its messages from.
pub(super) type Queue = mpsc::Receiver<Message>;
/// Where operations put their messages.
pub(super) type Outbox = mpsc::Sender<Message>;
