//! The beginning of a connection: the client says who it is, and is welcomed.

use axum::extract::ws::WebSocket;
use domain::Error;
use domain::auth::AccessListener;
use tokio::time::{Instant, sleep_until};
use transport::{ClientMessage, CloseCode, ServerMessage};

use super::accept::Setting;
use super::message::{End, Heard, Left, heard, plain};
use crate::auth::Bearer;
use crate::error;

/// What is known of a client that was welcomed.
pub(super) struct Client {
    /// With what it has shown who it is, if it has.
    pub(super) bearer: Option<Bearer>,
    /// Hears of its user, if it has one.
    pub(super) access: Option<AccessListener>,
}

impl Client {
    /// Whether it is an agent. Without them nothing goes on.
    pub(super) fn is_agent(&self) -> bool {
        self.bearer.as_ref().is_some_and(is_agent)
    }
}

/// Waits until the client has said who it is, but not for long.
pub(super) async fn greet(socket: &mut WebSocket, setting: &mut Setting) -> Result<Client, Left> {
    let until = Instant::now() + setting.timing.init;
    loop {
        let frame = tokio::select! {
            frame = socket.recv() => frame,
            () = sleep_until(until) => {
                return Err(Left::With(CloseCode::InitialisationTimeout.into()));
            }
            () = setting.stop.cancelled() => {
                return Err(Left::With(CloseCode::GoingAway.into()));
            }
        };
        let answer = match heard(frame)? {
            Some(Heard::Init(bearer)) => {
                let client = welcome(bearer, setting).await.map_err(Left::With)?;
                let welcomed = plain(&ServerMessage::ConnectionAck { payload: None });
                let sent = socket.send(welcomed).await;
                return sent.map(|()| client).map_err(|_broken| Left::Silently);
            }
            Some(Heard::Other(ClientMessage::Ping { payload })) => ServerMessage::Pong { payload },
            Some(Heard::Other(ClientMessage::Subscribe { .. })) => {
                return Err(Left::With(CloseCode::Unauthorized.into()));
            }
            Some(Heard::Other(
                ClientMessage::Pong { .. }
                | ClientMessage::Complete { .. }
                | ClientMessage::ConnectionInit { .. },
            ))
            | None => continue,
        };
        let sent = socket.send(plain(&answer)).await;
        sent.map_err(|_broken| Left::Silently)?;
    }
}

/// Who it is. Whoever does not introduce itself with a token is known by its cookie, if it came with one.
async fn welcome(bearer: Option<Bearer>, setting: &mut Setting) -> Result<Client, End> {
    let engine = &setting.engine;
    let since = engine.app().events.access().now();
    let cookie = std::mem::replace(&mut setting.cookie, Ok(None));
    let who = bearer.map_or(cookie, |bearer| Ok(Some(bearer)));
    if setting.is_of_reserve && !matches!(&who, Ok(Some(bearer)) if is_agent(bearer)) {
        let full = engine.load().not_for_usual();
        refuse(setting, &full);
        return Err(End::new(CloseCode::GoingAway, full.to_string()));
    }
    let bearer = who.map_err(|failure| refuse(setting, &failure))?;
    let mut access = None;
    if let Some(bearer) = &bearer {
        let signed_in = Box::pin(engine.sign_in(bearer)).await;
        let actor = signed_in.map_err(|failure| refuse(setting, &failure))?;
        let topics = engine.app().events.access();
        access = actor.user().map(|user| topics.follow(user.id, since));
    }
    let bearer = bearer.map(|bearer| bearer.from(setting.origin.clone()));
    Ok(Client { bearer, access })
}

fn is_agent(bearer: &Bearer) -> bool {
    bearer.of_a_person().is_none()
}

fn refuse(setting: &Setting, failure: &Error) -> End {
    error::log(failure, None);
    setting.engine.metrics().refused(error::code(failure));
    match failure {
        Error::Unauthenticated | Error::Forbidden(_) => {
            End::new(CloseCode::Forbidden, failure.to_string())
        }
        _ => CloseCode::InternalServerError.into(),
    }
}
