//! Everything that is served: GraphQL, GraphiQL, downloads, health, metrics.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response as Answer, ServerError};
use axum::body::Body;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use domain::audit::Origin;
use domain::{App, Error};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use super::body::{self, Read, Unread};
use super::request_id::identify;
use super::serve::{self, Front, OfReserve};
use super::{log, session, shield, sse};
use crate::auth::Bearer;
use crate::config::ApiConfig;
use crate::engine::Engine;
use crate::error::{self, INVALID_INPUT, refusal, told};
use crate::{graphiql, metrics, ws};

pub(super) const JSON: &str = "application/json";

/// What requests share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    pub(super) config: ApiConfig,
    pub(super) tracker: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl From<Shared> for sse::Setting {
    fn from(shared: Shared) -> Self {
        Self {
            engine: shared.engine,
            timing: shared.config.timing,
            tracker: shared.tracker,
            stop: shared.stop,
        }
    }
}

/// Everything that is served. Whatever outlives a request runs on the tracker; live connections end when `stop` is
/// cancelled.
pub fn front(config: ApiConfig, app: App, tracker: TaskTracker, stop: CancellationToken) -> Front {
    let shared = Shared::new(config, app, tracker, stop);
    let mut router = probes()
        .route("/graphql", post(graphql).get(page_or_socket))
        .route(log::PATH, get(log::download))
        .route(session::PATH, post(session::open).delete(session::close))
        .route(session::REFRESH_PATH, post(session::refresh));
    if shared.config.graphiql {
        router = router.route("/graphiql/{file}", get(graphiql::file));
    }
    in_layers(router, shared)
}

/// What is served by a process that does not answer people: whether it lives, whether it is ready, what it measures.
pub fn probe_front(
    config: ApiConfig,
    app: App,
    tracker: TaskTracker,
    stop: CancellationToken,
) -> Front {
    in_layers(probes(), Shared::new(config, app, tracker, stop))
}

/// What tells how the platform is: its answers are kept from nobody.
pub(super) const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

fn probes() -> Router<Shared> {
    let [lives, is_ready, metrics] = PROBES;
    Router::new()
        .route(lives, get(alive))
        .route(is_ready, get(ready))
        .route(metrics, get(measured))
}

fn in_layers(router: Router<Shared>, shared: Shared) -> Front {
    let router = router
        .layer(DefaultBodyLimit::max(shared.config.limits.body_bytes))
        .layer(from_fn_with_state(shared.clone(), serve::keep_reserve))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(shield::cors(&shared.config.allowed_origins))
        .layer(from_fn(shield::shield))
        .layer(from_fn_with_state(shared.clone(), identify))
        .with_state(shared.clone());
    Front { router, shared }
}

/// One query or mutation; as events also a subscription.
async fn graphql(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // A form of another site can be sent without asking, JSON cannot.
    if !is_json(&headers) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return shared.refuse(status, "the content type must be application/json");
    }
    let Read { bytes, long } = match body::read(&shared, &origin, &headers, body).await {
        Ok(read) => read,
        Err(Unread::Refused(status, message)) => return shared.refuse(status, message),
        Err(Unread::Failed(error)) => {
            shared.engine.metrics().refused(error::code(&error));
            return failed(error);
        }
    };
    // What is long takes long to understand, and is in nobody's way elsewhere.
    let request = match &long {
        Some(_) => {
            let lane = &shared.engine.load().lane;
            lane.run(async move { read(&bytes) }).await
        }
        None => Ok(read(&bytes)),
    };
    let request = match request {
        Ok(Ok(request)) => request,
        Ok(Err(message)) => return shared.refuse(StatusCode::BAD_REQUEST, message),
        Err(error) => return failed(error),
    };
    let bearer = shared.bearer(&headers, &origin);
    let is_stream = sse::is_wanted(&headers);
    let answer = match bearer {
        Ok(bearer) if is_stream => return sse::answer(shared.into(), bearer, request),
        // What cannot be read is no token of ours; as such it is refused.
        Err(Error::Unauthenticated) if is_stream => {
            return sse::answer(shared.into(), Some(Bearer::new("")), request);
        }
        Ok(bearer) => shared.engine.execute(bearer.as_ref(), request).await,
        Err(error) => shared.engine.refuse(error),
    };
    in_time(sent(StatusCode::OK, answer.text), answer.retry_after)
}

/// Browsers get GraphiQL, live clients a WebSocket.
async fn page_or_socket(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    of_reserve: Option<Extension<OfReserve>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => ws::accept(
            upgrade,
            ws::Setting {
                cookie: shared.bearer_of_cookie(&headers, &origin),
                origin,
                engine: shared.engine,
                is_of_reserve: of_reserve.is_some(),
                limits: shared.config.limits,
                timing: shared.config.timing,
                people: shared.config.aside.clone(),
                tracker: shared.tracker,
                stop: shared.stop,
            },
        ),
        Err(_) if shared.config.graphiql && accepts_html(&headers) => graphiql::page(),
        Err(_) => shared.refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "send operations with POST, subscriptions through a WebSocket or accepting text/event-stream",
        ),
    }
}

/// The process is there.
async fn alive() -> &'static str {
    "ok\n"
}

/// Requests can be served.
async fn ready(State(shared): State<Shared>) -> Response {
    if shared.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    match shared.engine.is_ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(failure) => {
            error::log(&failure, None);
            (error::status(&failure), format!("{failure}\n")).into_response()
        }
    }
}

/// What is measured: numbers without names of people or of their tasks, so nobody has to say who he is.
async fn measured(State(shared): State<Shared>) -> Response {
    let headers = [
        (CONTENT_TYPE, metrics::CONTENT_TYPE),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, shared.engine.metrics_text()).into_response()
}

/// The one operation in a body.
fn read(body: &[u8]) -> Result<Request, String> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err("batches are not accepted: send one operation at a time".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| format!("the request cannot be read: {error}"))
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(JSON)
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.contains("text/html"))
    })
}

impl Shared {
    fn new(config: ApiConfig, app: App, tracker: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            engine: Arc::new(Engine::new(&config, app, tracker.clone())),
            config,
            tracker,
            stop,
        }
    }

    /// The token of a request, or the session of its cookie; `None` if it has neither.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it is there and cannot be read, and as [`Shared::bearer_of_cookie`].
    pub(super) fn bearer(
        &self,
        headers: &HeaderMap,
        origin: &Origin,
    ) -> domain::Result<Option<Bearer>> {
        match Bearer::from_headers(headers, origin)? {
            Some(bearer) => Ok(Some(bearer)),
            None => self.bearer_of_cookie(headers, origin),
        }
    }

    /// The session of the cookie of a request; `None` if it has none.
    ///
    /// # Errors
    /// As [`Shared::ticket`], and [`Error::Unauthenticated`] for a cookie that has run out.
    fn bearer_of_cookie(
        &self,
        headers: &HeaderMap,
        origin: &Origin,
    ) -> domain::Result<Option<Bearer>> {
        let Some((ticket, _)) = self.ticket(headers, origin)? else {
            return Ok(None);
        };
        if ticket.is_expired(self.engine.app().now()) {
            return Err(Error::Unauthenticated);
        }
        Ok(Some(Bearer::of_session(ticket, origin.clone())))
    }

    /// Answers a request that did not become an operation.
    pub(super) fn refuse(&self, status: StatusCode, message: impl Into<String>) -> Response {
        let answer = told(Answer::from_errors(vec![ServerError::new(message, None)]));
        self.engine.metrics().refused(INVALID_INPUT);
        json(status, &answer)
    }
}

/// A request beside GraphQL that failed: the same body, and a status of its own.
pub(super) fn failed(failure: Error) -> Response {
    let status = error::status(&failure);
    let answer = told(Answer::from_errors(vec![refusal(failure)]));
    in_time(json(status, &answer), error::retry_after(&answer))
}

/// Says also to those who look at nothing but the status when to come again, if it was too often or too much.
fn in_time(mut response: Response, retry_after: Option<(StatusCode, Duration)>) -> Response {
    if let Some((status, wait)) = retry_after {
        *response.status_mut() = status;
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// A mistake of ours that nobody expected. The panic itself is in the log already.
fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    let error = Error::internal("a request panicked");
    let answer = Answer::from_errors(vec![refusal(error)]);
    json(StatusCode::INTERNAL_SERVER_ERROR, &told(answer))
}

/// An answer that is written down.
fn sent(status: StatusCode, body: impl IntoResponse) -> Response {
    let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

fn json(status: StatusCode, answer: &Answer) -> Response {
    match serde_json::to_vec(answer) {
        Ok(body) => sent(status, body),
        Err(error) => {
            error::log(&Error::Internal(error.into()), None);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
