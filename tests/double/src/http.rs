//! Requests in, answers out, in the words of the API.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Shared;
use crate::object::Kind;
use crate::store::{Deletion, Key, Refusal, Selector, refusal};
use crate::watch;

/// What stands behind the question mark.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Asked {
    watch: Option<String>,
    label_selector: String,
    resource_version: Option<String>,
    allow_watch_bookmarks: Option<String>,
    limit: Option<usize>,
    #[serde(rename = "continue")]
    from: Option<String>,
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

/// What a path names.
struct Place {
    kind: Kind,
    namespace: String,
    name: Option<String>,
    of_status: bool,
}

impl Place {
    fn of(api_version: &str, rest: &str) -> Result<Self, Refusal> {
        let words: Vec<&str> = rest.split('/').collect();
        let (namespace, words) = match words.as_slice() {
            ["namespaces", namespace, words @ ..] if !words.is_empty() => (*namespace, words),
            words => ("", words),
        };
        let known = match words {
            [plural] => Some((*plural, None, false)),
            [plural, name] => Some((*plural, Some(*name), false)),
            [plural, name, "status"] => Some((*plural, Some(*name), true)),
            _ => None,
        };
        let found = known.and_then(|(plural, name, of_status)| {
            Some(Self {
                kind: Kind::of(api_version, plural)?,
                namespace: namespace.to_owned(),
                name: name.map(str::to_owned),
                of_status,
            })
        });
        let is_placed = |place: &Self| (place.kind == Kind::Node) == place.namespace.is_empty();
        found.filter(is_placed).ok_or_else(|| {
            let message =
                format!("the server could not find the requested resource: {api_version} {rest}");
            refusal(404, "NotFound", message)
        })
    }

    fn key(&self, name: &str) -> Key {
        Key {
            kind: self.kind,
            namespace: self.namespace.clone(),
            name: name.to_owned(),
        }
    }

    fn answer(&self, shared: &Shared, request: Request) -> Result<Response, Refusal> {
        let (method, headers, Query(asked), body) = request;
        let as_metadata = { headers.get(header::ACCEPT) }
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("as=PartialObjectMetadata"));
        let shown = |object: Value| {
            if as_metadata {
                metadata_of(&object)
            } else {
                object
            }
        };
        let object = match (&method, &self.name) {
            (&Method::GET, None) if is_true(asked.watch.as_deref()) => {
                return self.watch(shared, &asked);
            }
            (&Method::GET, None) => return self.list(shared, &asked),
            (&Method::GET, Some(name)) => shared.with(|store| store.get(&self.key(name)))?,
            (&Method::POST, None) => {
                let mut object = read(&body)?;
                let name = object["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                if name.is_empty() {
                    return Err(refusal(422, "Invalid", "metadata.name: Required value"));
                }
                object["metadata"]["namespace"] = json!(self.namespace);
                if self.kind == Kind::Node {
                    object["metadata"]["namespace"].take();
                }
                shared.with(|store| {
                    store.count_write();
                    store.create(&self.key(&name), object)
                })?
            }
            (&Method::PATCH, Some(name)) => self.patch(shared, name, &headers, &body)?,
            (&Method::DELETE, Some(name)) => {
                let how = deletion(&body)?;
                shared.with(|store| {
                    store.count_write();
                    store.delete(&self.key(name), &how)
                })?
            }
            _ => {
                let message = format!("{method} is not known here");
                return Err(refusal(405, "MethodNotAllowed", message));
            }
        };
        let code = if method == Method::POST {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Ok((code, axum::Json(shown(object))).into_response())
    }

    /// Merges, or applies: what another manager of fields has set stays in both.
    fn patch(
        &self,
        shared: &Shared,
        name: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Value, Refusal> {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let key = self.key(name);
        match kind {
            Some("application/merge-patch+json") => {
                let patch = read(body)?;
                shared.with(|store| {
                    store.count_write();
                    store.merge(&key, &patch, self.of_status)
                })
            }
            // Every JSON is YAML, and our client sends JSON.
            Some("application/apply-patch+yaml") => {
                let object = read(body)?;
                shared.with(|store| {
                    store.count_write();
                    match store.get(&key) {
                        Ok(_) => store.merge(&key, &object, self.of_status),
                        Err(_) => store.create(&key, object),
                    }
                })
            }
            other => {
                let message = format!("a patch that is not known here: {other:?}");
                Err(refusal(415, "UnsupportedMediaType", message))
            }
        }
    }

    fn list(&self, shared: &Shared, asked: &Asked) -> Result<Response, Refusal> {
        let selector = Selector::parse(&asked.label_selector)?;
        let (mut all, version) = shared.with(|store| {
            (
                store.list(self.kind, &self.namespace, &selector),
                store.version(),
            )
        });
        // A page goes on after the last name of the one before.
        if let Some(from) = &asked.from {
            all.retain(|object| object["metadata"]["name"].as_str() > Some(from.as_str()));
        }
        let mut next = Value::Null;
        if let Some(limit) = asked.limit.filter(|limit| *limit > 0 && *limit < all.len()) {
            all.truncate(limit);
            next = all[limit - 1]["metadata"]["name"].clone();
        }
        let mut list = json!({
            "apiVersion": self.kind.api_version(), "kind": format!("{}List", self.kind.name()),
            "metadata": {"resourceVersion": version.to_string()}, "items": all,
        });
        if !next.is_null() {
            list["metadata"]["continue"] = next;
        }
        Ok(axum::Json(list).into_response())
    }

    fn watch(&self, shared: &Shared, asked: &Asked) -> Result<Response, Refusal> {
        let since = asked.resource_version.as_deref().unwrap_or("0").parse();
        let since = since
            .map_err(|_| refusal(400, "BadRequest", "resourceVersion is no version of ours"))?;
        let stream = watch::stream(
            shared.clone(),
            watch::Watched {
                kind: self.kind,
                namespace: self.namespace.clone(),
                selector: Selector::parse(&asked.label_selector)?,
                with_bookmarks: is_true(asked.allow_watch_bookmarks.as_deref()),
            },
            since,
        );
        let kind = [(header::CONTENT_TYPE, "application/json")];
        Ok((kind, Body::from_stream(stream)).into_response())
    }
}

fn deletion(body: &Bytes) -> Result<Deletion, Refusal> {
    let asked = if body.is_empty() {
        Value::Null
    } else {
        read(body)?
    };
    Ok(Deletion {
        grace: asked["gracePeriodSeconds"].as_u64(),
        uid: asked["preconditions"]["uid"].as_str().map(str::to_owned),
    })
}

fn read(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| refusal(400, "BadRequest", error.to_string()))
}

fn metadata_of(object: &Value) -> Value {
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"]})
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
