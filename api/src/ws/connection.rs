//! One connection: its messages, its operations, its end.

use std::pin::pin;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use domain::Error;
use domain::auth::{AccessListener, AccessTime, Actor, Woken};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use transport::{ClientMessage, CloseCode, ServerMessage};

use super::accept::Setting;
use super::message::{End, plain};
use super::operation::Operation;
use super::operations::{Operations, Refused};
use super::writer::{Outbox, QUEUE, write};
use crate::auth::Bearer;
use crate::{error, span};

/// The reading half of a connection.
pub(super) struct Connection {
    setting: Setting,
    operations: Operations,
    client: Client,
    /// Hears of the client's user, if it has one.
    access: Option<AccessListener>,
}

/// What is known of the client.
enum Client {
    /// It has not said who it is and has until then.
    Unknown(Instant),
    /// It was welcomed, with or without a token.
    Welcome(Option<Bearer>),
}

/// How reading ended.
enum Left {
    /// We say goodbye.
    With(End),
    /// The client's token or session is no longer good.
    ShutOut,
    /// The client said goodbye and wants it returned.
    Politely,
    /// The client is gone.
    Silently,
}

impl Connection {
    pub(super) fn new(setting: Setting) -> Self {
        let until = Instant::now() + setting.timing.init;
        Self {
            setting,
            operations: Operations::default(),
            client: Client::Unknown(until),
            access: None,
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
            match left {
                Left::With(end) => goodbye(&mut socket, end, patience).await,
                Left::ShutOut => {
                    let end = End::new(CloseCode::Forbidden, Error::Unauthenticated.to_string());
                    goodbye(&mut socket, end, patience).await;
                }
                // The library returns it as soon as it is asked for more.
                Left::Politely => _ = timeout(patience, socket.next()).await,
                Left::Silently => {}
            }
        }
    }

    async fn read(&mut self, stream: &mut SplitStream<WebSocket>, outbox: &Outbox) -> Left {
        let mut heartbeat = heartbeat(self.setting.timing.heartbeat);
        let mut heard = true;
        loop {
            let patience = self.patience();
            tokio::select! {
                frame = stream.next() => {
                    heard = true;
                    let message = match frame {
                        Some(Ok(Message::Text(text))) => match read(&text) {
                            Ok(message) => message,
                            Err(end) => return Left::With(end),
                        },
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Ok(Message::Binary(_))) => {
                            return Left::With(CloseCode::BadRequest.into());
                        }
                        Some(Ok(Message::Close(_))) => return Left::Politely,
                        None => return Left::Silently,
                        Some(Err(error)) => {
                            tracing::debug!(%error, "a connection broke");
                            return Left::With(CloseCode::BadRequest.into());
                        }
                    };
                    if let Err(end) = self.hear(message, outbox).await {
                        return Left::With(end);
                    }
                }
                _ = heartbeat.tick() => {
                    if !std::mem::take(&mut heard) {
                        return Left::Silently;
                    }
                    // A full queue means that the client takes nothing: its own signs of life have to do.
                    let _ = outbox.try_send(Message::Ping(Bytes::new()));
                }
                () = changed(&mut self.access) => if self.is_shut_out().await {
                    return Left::ShutOut;
                },
                () = patience => return Left::With(CloseCode::InitialisationTimeout.into()),
                () = self.setting.stop.cancelled() => {
                    return Left::With(CloseCode::GoingAway.into());
                }
            }
        }
    }

    /// Whether the client's token or session is no longer good. If the database is away, each operation will ask it.
    async fn is_shut_out(&self) -> bool {
        let Client::Welcome(Some(bearer)) = &self.client else {
            return false;
        };
        let looked = Box::pin(self.setting.engine.look_again(bearer)).await;
        matches!(looked, Err(Error::Unauthenticated))
    }

    /// Ends when the client has not said in time who it is.
    fn patience(&self) -> impl Future<Output = ()> + use<> {
        let until = match &self.client {
            Client::Unknown(until) => Some(*until),
            Client::Welcome(_) => None,
        };
        async move {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn hear(&mut self, message: Heard, outbox: &Outbox) -> Result<(), End> {
        match message {
            Heard::Init(bearer) => self.welcome(bearer, outbox).await,
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

    async fn welcome(&mut self, bearer: Option<Bearer>, outbox: &Outbox) -> Result<(), End> {
        if let Client::Welcome(_) = self.client {
            return Err(CloseCode::TooManyInitialisationRequests.into());
        }
        let since = self.setting.engine.app().events.access().now();
        let who = self.who(bearer);
        let is_agent = matches!(&who, Ok(Some(bearer)) if bearer.of_a_person().is_none());
        if self.setting.is_of_reserve && !is_agent {
            let full = self.setting.engine.load().not_for_usual();
            self.refuse(&full);
            return Err(End::new(CloseCode::GoingAway, full.to_string()));
        }
        let known = match who {
            Ok(Some(bearer)) => {
                let signed_in = Box::pin(self.setting.engine.sign_in(&bearer)).await;
                signed_in.map(|actor| {
                    self.listen(&actor, since);
                    Some(bearer)
                })
            }
            other => other,
        };
        let bearer = match known {
            Ok(bearer) => bearer,
            Err(failure) => return Err(self.refuse(&failure)),
        };
        let origin = &self.setting.origin;
        self.client = Client::Welcome(bearer.map(|bearer| bearer.from(origin.clone())));
        // It is the first message, so there is room.
        let _ = outbox.try_send(plain(&ServerMessage::ConnectionAck { payload: None }));
        Ok(())
    }

    fn listen(&mut self, actor: &Actor, since: AccessTime) {
        let access = self.setting.engine.app().events.access();
        self.access = actor.user().map(|user| access.follow(user.id, since));
    }

    fn refuse(&self, failure: &Error) -> End {
        error::log(failure, None);
        let metrics = self.setting.engine.metrics();
        metrics.refused(error::code(failure));
        match failure {
            Error::Unauthenticated | Error::Forbidden(_) => {
                End::new(CloseCode::Forbidden, failure.to_string())
            }
            _ => CloseCode::InternalServerError.into(),
        }
    }

    /// Whoever does not introduce itself with a token is known by its cookie, if it came with one.
    fn who(&mut self, bearer: Option<Bearer>) -> domain::Result<Option<Bearer>> {
        match bearer {
            Some(bearer) => Ok(Some(bearer)),
            None => std::mem::replace(&mut self.setting.cookie, Ok(None)),
        }
    }

    fn start(&self, id: String, payload: transport::Operation, outbox: &Outbox) -> Result<(), End> {
        let Client::Welcome(bearer) = &self.client else {
            return Err(CloseCode::Unauthorized.into());
        };
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
            bearer: bearer.clone(),
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

/// Sends the reason and waits until the client has returned it, but not for long.
pub(super) async fn goodbye(socket: &mut WebSocket, end: End, patience: Duration) {
    let parting = async {
        if socket.send(end.frame()).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(patience, pin!(parting)).await;
}

/// What a client said.
enum Heard {
    /// Who it is.
    Init(Option<Bearer>),
    /// Anything else.
    Other(ClientMessage),
}

/// How clients that are not ours introduce themselves: with the header of HTTP.
#[derive(Deserialize)]
struct ForeignInit {
    #[serde(default, alias = "authorization")]
    #[serde(rename = "Authorization")]
    authorization: Option<String>,
}

fn read(text: &str) -> Result<Heard, End> {
    let bad_request = || End::from(CloseCode::BadRequest);
    let message = serde_json::from_str(text).map_err(|_| bad_request())?;
    let ClientMessage::ConnectionInit { payload } = message else {
        return Ok(Heard::Other(message));
    };
    if let Some(token) = payload.and_then(|payload| payload.token) {
        return Ok(Heard::Init(Some(Bearer::new(token))));
    }
    let mut message: Value = serde_json::from_str(text).map_err(|_| bad_request())?;
    let foreign: Option<ForeignInit> =
        serde_json::from_value(message["payload"].take()).map_err(|_| bad_request())?;
    let authorization = foreign.and_then(|foreign| foreign.authorization);
    let bearer = authorization
        .map(|value| Bearer::from_authorization(&value))
        .transpose()
        .map_err(|failure| End::new(CloseCode::Forbidden, failure.to_string()))?;
    Ok(Heard::Init(bearer))
}

fn heartbeat(period: Duration) -> Interval {
    let mut heartbeat = interval_at(Instant::now() + period, period);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}
