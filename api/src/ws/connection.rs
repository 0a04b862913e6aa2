//! One connection whose client was welcomed: its messages, its operations, its end.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use domain::Error;
use domain::auth::{AccessListener, Woken};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use transport::{ClientMessage, CloseCode, ServerMessage};

use super::accept::Setting;
use super::greeting::Client;
use super::message::{End, Heard, Left, heard, plain};
use super::operation::Operation;
use super::operations::{Operations, Refused};
use super::parting::part;
use super::writer::{Outbox, QUEUE, write};
use crate::span;

/// The reading half of a connection.
pub(super) struct Connection {
    setting: Setting,
    client: Client,
    operations: Operations,
}

impl Connection {
    pub(super) fn new(setting: Setting, client: Client) -> Self {
        Self {
            setting,
            client,
            operations: Operations::default(),
        }
    }

    /// Serves until either side ends the connection.
    pub(super) async fn serve(mut self, socket: WebSocket) {
        let (mut sink, mut stream) = socket.split();
        let (outbox, mut queue) = mpsc::channel(QUEUE);
        let left = tokio::select! {
            left = self.read(&mut stream, &outbox) => left,
            () = write(&mut sink, &mut queue) => Left::Silently,
        };
        let patience = self.setting.timing.goodbye;
        if let Left::ShutOut = left {
            drop(outbox);
            // What goes on is told that it may not, and who has shut himself out that he has.
            _ = timeout(patience, write(&mut sink, &mut queue)).await;
        }
        self.operations.cancel_all();
        if let Ok(mut socket) = sink.reunite(stream) {
            part(&mut socket, left, patience).await;
        }
    }

    async fn read(&mut self, stream: &mut SplitStream<WebSocket>, outbox: &Outbox) -> Left {
        let mut heartbeat = heartbeat(self.setting.timing.heartbeat);
        let mut alive = true;
        loop {
            tokio::select! {
                frame = stream.next() => {
                    alive = true;
                    let message = match heard(frame) {
                        Ok(None) => continue,
                        Ok(Some(message)) => message,
                        Err(left) => return left,
                    };
                    if let Err(end) = self.hear(message, outbox) {
                        return Left::With(end);
                    }
                }
                _ = heartbeat.tick() => {
                    if !std::mem::take(&mut alive) {
                        return Left::Silently;
                    }
                    // A full queue means that the client takes nothing: its own signs of life have to do.
                    let _ = outbox.try_send(Message::Ping(Bytes::new()));
                }
                () = changed(&mut self.client.access) => if self.is_shut_out().await {
                    return Left::ShutOut;
                },
                () = self.setting.stop.cancelled() => {
                    return Left::With(CloseCode::GoingAway.into());
                }
            }
        }
    }

    /// Whether the client's token or session is no longer good. If the database is away, each operation will ask it.
    async fn is_shut_out(&self) -> bool {
        let Some(bearer) = &self.client.bearer else {
            return false;
        };
        let looked = Box::pin(self.setting.engine.look_again(bearer)).await;
        matches!(looked, Err(Error::Unauthenticated))
    }

    fn hear(&self, message: Heard, outbox: &Outbox) -> Result<(), End> {
        match message {
            Heard::Init(_) => Err(CloseCode::TooManyInitialisationRequests.into()),
            Heard::Other(ClientMessage::Ping { payload }) => {
                // As with heartbeats: a client that takes nothing gets no answer.
                let _ = outbox.try_send(plain(&ServerMessage::Pong { payload }));
                Ok(())
            }
            Heard::Other(ClientMessage::Subscribe { id, payload }) => {
                self.start(id, payload, outbox)
            }
            Heard::Other(ClientMessage::Complete { id }) => {
                self.operations.cancel(&id);
                Ok(())
            }
            Heard::Other(ClientMessage::Pong { .. } | ClientMessage::ConnectionInit { .. }) => {
                Ok(())
            }
        }
    }

    fn start(&self, id: String, payload: transport::Operation, outbox: &Outbox) -> Result<(), End> {
        let most = self.setting.limits.operations;
        let place = match self.operations.start(id.clone(), most) {
            Ok(place) => place,
            Err(Refused::IdTaken) => {
                let id: String = id.chars().take(40).collect();
                let reason = format!("Subscriber for {id} already exists");
                return Err(End::new(CloseCode::SubscriberAlreadyExists, reason));
            }
            Err(Refused::TooMany) => {
                let reason = format!("Too many subscriptions: at most {most}");
                return Err(End::new(CloseCode::TooManyInitialisationRequests, reason));
            }
        };
        let operation = Operation {
            place,
            engine: self.setting.engine.clone(),
            bearer: self.client.bearer.clone(),
            payload,
            outbox: outbox.clone(),
            span: span::of_operation(&self.setting.origin.request),
        };
        self.setting.tracker.spawn(operation.run());
        Ok(())
    }
}

/// Waits until what the client's user may do has changed. What else is lost, its operations find out.
async fn changed(access: &mut Option<AccessListener>) {
    match access {
        Some(access) => while access.heard().await != Woken::Changed {},
        None => std::future::pending().await,
    }
}

fn heartbeat(period: Duration) -> Interval {
    let mut heartbeat = interval_at(Instant::now() + period, period);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}
