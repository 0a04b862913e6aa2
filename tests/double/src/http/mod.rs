//! Requests in, answers out, in the words of the API.

mod call;
mod place;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde::Deserialize;
use serde_json::{Value, json};

use self::place::Place;
use crate::Shared;
use crate::store::Refusal;

/// What stands behind the question mark. What is not known here is refused.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Asked {
    watch: Option<String>,
    label_selector: String,
    field_selector: String,
    resource_version: Option<String>,
    allow_watch_bookmarks: Option<String>,
    limit: Option<usize>,
    #[serde(rename = "continue")]
    from: Option<String>,
    field_manager: Option<String>,
    force: Option<String>,
    grace_period_seconds: Option<u64>,
    /// Every list is of this moment.
    #[serde(rename = "resourceVersionMatch")]
    _version_match: Option<String>,
    /// A watch here lasts as long as somebody reads it.
    #[serde(rename = "timeoutSeconds")]
    _timeout: Option<String>,
    /// Every field is taken as it is.
    #[serde(rename = "fieldValidation")]
    _validation: Option<String>,
    #[serde(rename = "propagationPolicy")]
    _propagation: Option<String>,
    #[serde(rename = "pretty")]
    _pretty: Option<String>,
}

/// Everything that is answered.
pub(crate) fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/api/v1/{*rest}", any(core))
        .route("/apis/{group}/{version}/{*rest}", any(grouped))
        .with_state(shared)
}

type Request = (Method, HeaderMap, Query<Asked>, Bytes);

async fn core(
    State(shared): State<Shared>,
    Path(rest): Path<String>,
    request: Request,
) -> Response {
    answer(&shared, "v1", &rest, request)
}

async fn grouped(
    State(shared): State<Shared>,
    Path((group, version, rest)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    answer(&shared, &format!("{group}/{version}"), &rest, request)
}

fn answer(shared: &Shared, api_version: &str, rest: &str, request: Request) -> Response {
    let done = Place::of(api_version, rest).and_then(|place| place.answer(shared, request));
    done.unwrap_or_else(IntoResponse::into_response)
}

fn is_true(text: Option<&str>) -> bool {
    matches!(text, Some("1" | "true"))
}

impl Refusal {
    /// As the API says it.
    pub(crate) fn status(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (code, axum::Json(self.status())).into_response()
    }
}
