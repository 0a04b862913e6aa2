//! Sessions of browsers: `POST /session`, `POST /session/refresh`, `DELETE /session`.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::audit::{Act, Origin};
use domain::session::{self, Code, Cookie, Opened, Session, Ticket};
use domain::{Error, Result};
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::proxy::Way;
use super::router::{JSON, Shared, failed, is_json};
use super::{cookie, page};
use crate::auth::Bearer;
use crate::error::code;

/// Where sessions begin and end.
pub(super) const PATH: &str = "/session";
/// Where the cookie of a session is made anew.
pub(super) const REFRESH_PATH: &str = "/session/refresh";

/// What a browser sends to sign in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What `createSessionCode` answered.
    code: String,
}

/// What a page is told of its session. The cookie itself it cannot read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// Id of the session.
    id: String,
    /// The cookie is to be made anew before.
    expires_at: DateTime<Utc>,
    /// It can be made anew until then.
    idle_at: DateTime<Utc>,
    /// It all ends then.
    ends_at: DateTime<Utc>,
}

/// Begins a session with a code, in the name of the token with which the code was made.
pub(super) async fn open(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    Extension(way): Extension<Way>,
    headers: HeaderMap,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Response {
    if !is_json(&headers) {
        return not_json(&shared);
    }
    let entry: Option<Entry> = body
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok());
    let Some(entry) = entry else {
        let message = "the request must be {\"code\": \"…\"}";
        return shared.refuse(StatusCode::BAD_REQUEST, message);
    };
    let opened = async {
        let is_secure = page::is_secure(&headers, way, shared.config.insecure_cookies)?;
        page::check(&headers, &shared.config.allowed_origins, is_secure)?;
        let Opened {
            session, cookie, ..
        } = redeem(&shared, &entry.code, &origin).await?;
        Ok((session, cookie, is_secure))
    };
    answer(&shared, opened.await)
}

/// Makes the cookie anew, also one that has run out, while its session is open.
pub(super) async fn refresh(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Response {
    if !is_json(&headers) {
        return not_json(&shared);
    }
    let refreshed = async {
        let (ticket, is_secure) = shared
            .ticket(&headers, &origin)?
            .ok_or(Error::Unauthenticated)?;
        let app = shared.engine.app();
        // Whoever has no session any more needs no transaction.
        let bearer = Bearer::of_session(ticket.clone(), origin);
        shared.engine.enter(&bearer).await?;
        let tx = app.begin().await?;
        let (session, cookie) = session::refresh(&tx, &app.keys, &ticket).await?;
        tx.commit().await?;
        Ok((session, cookie, is_secure))
    };
    answer(&shared, refreshed.await)
}

/// Ends the session of the cookie, and takes the cookie away.
pub(super) async fn close(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Response {
    let closed = async {
        let (ticket, is_secure) = shared
            .ticket(&headers, &origin)?
            .ok_or(Error::Unauthenticated)?;
        sign_out(&shared, &ticket, &origin).await?;
        cookie::set("", 0, is_secure)
    };
    match closed.await {
        Ok(gone) => (StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response(),
        Err(error) => refuse(&shared, error),
    }
}

impl Shared {
    /// What a well-signed cookie of a request says, if it has one and its page may use it, and whether it came over TLS.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for pages of others, [`Error::Unauthenticated`] for a cookie that we have not signed, and
    /// [`Error::RateLimited`] for many of these.
    pub(super) fn ticket(
        &self,
        headers: &HeaderMap,
        origin: &Origin,
    ) -> Result<Option<(Ticket, bool)>> {
        let Some(sent) = cookie::find(headers) else {
            return Ok(None);
        };
        page::check(headers, &self.config.allowed_origins, sent.is_secure)?;
        if let Some(ticket) = Ticket::read(&self.engine.app().keys, sent.text) {
            return Ok(Some((ticket, sent.is_secure)));
        }
        // What is signed is not guessed: it is enough that each server counts by itself.
        let logins = self.engine.logins();
        logins.check_here(&origin.address, sent.text)?;
        logins.failed_here(&origin.address);
        Err(Error::Unauthenticated)
    }
}

async fn redeem(shared: &Shared, typed: &str, origin: &Origin) -> Result<Opened> {
    let logins = shared.engine.logins();
    logins.check(&origin.address, typed).await?;
    let opened = match Code::read(typed) {
        Some(code) => begin(shared, &code, origin).await,
        None => Err(Error::Unauthenticated),
    };
    if matches!(opened, Err(Error::Unauthenticated)) {
        logins.failed(&origin.address).await;
    }
    opened
}

async fn begin(shared: &Shared, code: &Code, origin: &Origin) -> Result<Opened> {
    let app = shared.engine.app();
    let mut random: StdRng = rand::make_rng();
    let mut tx = app.begin().await?;
    let opened = session::open(&mut tx, &app.keys, code, &origin.address, &mut random).await?;
    if let Some(user) = opened.actor.user() {
        let act = Act::of(user, "openSession", origin);
        tx.record(act.to(format!("session {}", opened.session.id)), "OK");
    }
    tx.commit().await?;
    Ok(opened)
}

async fn sign_out(shared: &Shared, ticket: &Ticket, origin: &Origin) -> Result<()> {
    let app = shared.engine.app();
    let actor = match session::sign_in(app.reader(), app.now(), ticket).await {
        Ok(actor) => Some(actor),
        // It is taken away all the same.
        Err(Error::Unauthenticated) => None,
        Err(error) => return Err(error),
    };
    let mut tx = app.begin().await?;
    let closed = session::close(&mut tx, ticket).await?;
    let user = actor.as_ref().and_then(|actor| actor.user());
    if let Some((user, session)) = user.zip(closed) {
        let act = Act::of(user, "closeSession", origin);
        tx.record(act.to(format!("session {}", session.id)), "OK");
    }
    tx.commit().await
}

fn answer(shared: &Shared, made: Result<(Session, Cookie, bool)>) -> Response {
    let told = made.and_then(|(session, cookie, is_secure)| {
        let seconds = (session.idle_at - session.used_at).num_seconds();
        let header = cookie::set(cookie.reveal(), seconds, is_secure)?;
        Ok((header, told(&session, &cookie)?))
    });
    match told {
        Ok((cookie, body)) => {
            let json = HeaderValue::from_static(JSON);
            let headers = AppendHeaders([(SET_COOKIE, cookie), (CONTENT_TYPE, json)]);
            (headers, body).into_response()
        }
        Err(error) => refuse(shared, error),
    }
}

fn told(session: &Session, cookie: &Cookie) -> Result<Vec<u8>> {
    let told = Told {
        id: session.id.to_string(),
        expires_at: cookie.expires_at,
        idle_at: session.idle_at,
        ends_at: session.ends_at,
    };
    serde_json::to_vec(&told).map_err(|error| Error::Internal(error.into()))
}

fn not_json(shared: &Shared) -> Response {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    shared.refuse(status, "the content type must be application/json")
}

fn refuse(shared: &Shared, error: Error) -> Response {
    shared.engine.metrics().refused(code(&error));
    failed(error)
}
