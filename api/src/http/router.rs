//! Everything that is served: GraphQL, GraphiQL, downloads, health, metrics.

use std::any::Any;
use std::sync::Arc;

use async_graphql::{Request, Response as Answer, ServerError};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use domain::audit::Origin;
use domain::{App, Error};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use super::request_id::identify;
use super::{log, shield, sse};
use crate::auth::Bearer;
use crate::config::ApiConfig;
use crate::engine::Engine;
use crate::error::{self, INVALID_INPUT, refusal, told};
use crate::{graphiql, metrics, ws};

const JSON: &str = "application/json";

/// What requests share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    config: ApiConfig,
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
pub fn router(
    config: ApiConfig,
    app: App,
    tracker: TaskTracker,
    stop: CancellationToken,
) -> Router {
    let shared = Shared {
        engine: Arc::new(Engine::new(&config, app, tracker.clone())),
        config,
        tracker,
        stop,
    };
    let mut router = Router::new()
        .route("/graphql", post(graphql).get(page_or_socket))
        .route(log::PATH, get(log::download))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured));
    if shared.config.graphiql {
        router = router.route("/graphiql/{file}", get(graphiql::file));
    }
    router
        .layer(DefaultBodyLimit::max(shared.config.limits.body_bytes))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(shield::cors(&shared.config.allowed_origins))
        .layer(from_fn(shield::shield))
        .layer(from_fn(identify))
        .with_state(shared)
}

/// One query or mutation; as events also a subscription.
async fn graphql(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    // A form of another site can be sent without asking, JSON cannot.
    if !is_json(&headers) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return shared.refuse(status, "the content type must be application/json");
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let most = shared.config.limits.body_bytes;
            let message = match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => format!("the request has more than {most} bytes"),
                _ => "the request ended early".to_owned(),
            };
            return shared.refuse(rejection.status(), message);
        }
    };
    let request = match read(&body) {
        Ok(request) => request,
        Err(message) => return shared.refuse(StatusCode::BAD_REQUEST, message),
    };
    if sse::is_wanted(&headers) {
        return sse::answer(shared.into(), &headers, &origin, request);
    }
    let answer = match Bearer::from_headers(&headers, &origin) {
        Ok(bearer) => shared.engine.execute(bearer.as_ref(), request).await,
        Err(error) => shared.engine.refuse(error),
    };
    json(StatusCode::OK, &answer)
}

/// Browsers get GraphiQL, live clients a WebSocket.
async fn page_or_socket(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => ws::accept(
            upgrade,
            ws::Setting {
                origin,
                engine: shared.engine,
                limits: shared.config.limits,
                timing: shared.config.timing,
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

fn is_json(headers: &HeaderMap) -> bool {
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
    /// Answers a request that did not become an operation.
    fn refuse(&self, status: StatusCode, message: impl Into<String>) -> Response {
        let answer = told(Answer::from_errors(vec![ServerError::new(message, None)]));
        self.engine.metrics().refused(INVALID_INPUT);
        json(status, &answer)
    }
}

/// A request beside GraphQL that failed: the same body, and a status of its own.
pub(super) fn failed(failure: Error) -> Response {
    let status = error::status(&failure);
    let answer = Answer::from_errors(vec![refusal(failure)]);
    json(status, &told(answer))
}

/// A mistake of ours that nobody expected. The panic itself is in the log already.
fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    let error = Error::internal("a request panicked");
    let answer = Answer::from_errors(vec![refusal(error)]);
    json(StatusCode::INTERNAL_SERVER_ERROR, &told(answer))
}

fn json(status: StatusCode, answer: &Answer) -> Response {
    match serde_json::to_vec(answer) {
        Ok(body) => {
            let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-store")];
            (status, headers, body).into_response()
        }
        Err(error) => {
            error::log(&Error::Internal(error.into()), None);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
