//! What is done for a request.

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::place::Place;
use super::{Asked, Request, is_true};
use crate::Shared;
use crate::store::{Apply, Deletion, Manager, Refusal, Rest, Selector, refusal};
use crate::watch;

impl Place {
    pub(super) fn answer(&self, shared: &Shared, request: Request) -> Result<Response, Refusal> {
        let (method, headers, Query(asked), body) = request;
        let selector = Selector::parse(&asked.label_selector, &asked.field_selector)?;
        shared.permit(&self.wish(&method, &asked, &selector))?;
        if self.part.as_deref().is_some_and(|part| part != "status") {
            let message = "the server could not find the requested resource";
            return Err(refusal(404, "NotFound", message));
        }
        let object = match (&method, &self.name) {
            (&Method::GET, None) if is_true(asked.watch.as_deref()) => {
                return self.watch(shared, &asked, selector);
            }
            (&Method::GET, None) => return self.list(shared, &asked, &selector),
            (&Method::GET, Some(name)) => shared.with(|store| store.get(&self.key(name)))?,
            (&Method::POST, None) => self.create(shared, &asked, &headers, &body)?,
            (&Method::PUT, Some(name)) => {
                let object = read(&body)?;
                shared.with(|store| {
                    store.count_write();
                    let manager = manager(&asked, &headers);
                    store.replace(&self.key(name), &object, self.part.is_some(), &manager)
                })?
            }
            (&Method::PATCH, Some(name)) => self.patch(shared, name, &asked, &headers, &body)?,
            (&Method::DELETE, Some(name)) => {
                let how = deletion(&asked, &body)?;
                shared.with(|store| {
                    store.count_write();
                    store.delete(&self.key(name), &how)
                })?
            }
            (&Method::DELETE, None) => {
                let how = deletion(&asked, &body)?;
                self.delete_all(shared, &selector, &how)
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
        Ok((code, axum::Json(shown(&headers, object))).into_response())
    }

    fn create(
        &self,
        shared: &Shared,
        asked: &Asked,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Value, Refusal> {
        let object = self.of_kind(read(body)?)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if self.namespace.is_empty() && !self.kind.is_in_cluster() {
            let message = "an object of this kind is in a namespace";
            return Err(refusal(405, "MethodNotAllowed", message));
        }
        let key = self.key(name);
        shared.with(|store| {
            store.count_write();
            store.create(&key, object, &manager(asked, headers))
        })
    }

    /// Merges, or applies: what another manager of fields has set stays in both.
    fn patch(
        &self,
        shared: &Shared,
        name: &str,
        asked: &Asked,
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
                    let manager = manager(asked, headers);
                    store.merge(&key, &patch, self.part.is_some(), &manager)
                })
            }
            // Every JSON is YAML, and our client sends JSON.
            Some("application/apply-patch+yaml") if self.part.is_none() => {
                let Some(manager) = asked.field_manager.as_deref() else {
                    let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
                    return Err(refusal(400, "BadRequest", message));
                };
                let wanted = &self.of_kind(read(body)?)?;
                let named = &wanted["metadata"]["name"];
                if named.is_string() && named != name {
                    let message = "the name of the object does not match the name on the URL";
                    return Err(refusal(400, "BadRequest", message));
                }
                if shared.with(|store| store.get(&key)).is_err() {
                    let mut create = self.wish(&Method::POST, asked, &Selector::default());
                    create.name.clear();
                    shared.permit(&create)?;
                }
                shared.with(|store| {
                    store.count_write();
                    let apply = Apply {
                        wanted,
                        manager,
                        force: is_true(asked.force.as_deref()),
                    };
                    store.apply(&key, &apply)
                })
            }
            other => {
                let message = format!("a patch that is not known here: {other:?}");
                Err(refusal(415, "UnsupportedMediaType", message))
            }
        }
    }

    fn delete_all(&self, shared: &Shared, selector: &Selector, how: &Deletion) -> Value {
        shared.with(|store| {
            store.count_write();
            let all = store.list(self.kind, &self.namespace, selector);
            for object in &all {
                let mut key = self.key(object["metadata"]["name"].as_str().unwrap_or_default());
                let namespace = object["metadata"]["namespace"].as_str();
                key.namespace = namespace.unwrap_or_default().to_owned();
                // It is there: it was just found.
                let _ = store.delete(&key, how);
            }
        });
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
    }

    fn list(
        &self,
        shared: &Shared,
        asked: &Asked,
        selector: &Selector,
    ) -> Result<Response, Refusal> {
        let (rest, next, n_left) = shared.with(|store| {
            let mut rest = match &asked.from {
                Some(from) => store.rest(from)?,
                None => Rest {
                    version: store.version(),
                    objects: store.list(self.kind, &self.namespace, selector),
                },
            };
            let limit = { asked.limit }.filter(|limit| *limit > 0 && *limit < rest.objects.len());
            let Some(limit) = limit else {
                return Ok((rest, None, 0));
            };
            let left = Rest {
                version: rest.version,
                objects: rest.objects.split_off(limit),
            };
            let n_left = left.objects.len();
            Ok((rest, Some(store.keep(left)), n_left))
        })?;
        let mut list = json!({
            "apiVersion": self.kind.api_version(), "kind": format!("{}List", self.kind.name()),
            "metadata": {"resourceVersion": rest.version.to_string()}, "items": rest.objects,
        });
        if let Some(next) = next {
            list["metadata"]["continue"] = json!(next);
            list["metadata"]["remainingItemCount"] = json!(n_left);
        }
        Ok(axum::Json(list).into_response())
    }

    fn watch(
        &self,
        shared: &Shared,
        asked: &Asked,
        selector: Selector,
    ) -> Result<Response, Refusal> {
        let since = asked.resource_version.as_deref().unwrap_or("0").parse();
        let since = since
            .map_err(|_| refusal(400, "BadRequest", "resourceVersion is no version of ours"))?;
        let stream = watch::stream(
            shared.clone(),
            watch::Watched {
                kind: self.kind,
                namespace: self.namespace.clone(),
                selector,
                with_bookmarks: is_true(asked.allow_watch_bookmarks.as_deref()),
            },
            since,
        );
        let kind = [(header::CONTENT_TYPE, "application/json")];
        Ok((kind, Body::from_stream(stream)).into_response())
    }

    /// An object that is of the kind that the path says.
    fn of_kind(&self, object: Value) -> Result<Value, Refusal> {
        for (name, expected) in [
            ("kind", self.kind.name()),
            ("apiVersion", self.kind.api_version()),
        ] {
            if object[name].as_str().is_some_and(|it| it != expected) {
                let message = format!(
                    "{name} in the data ({}) does not match the expected one ({expected})",
                    object[name]
                );
                return Err(refusal(400, "BadRequest", message));
            }
        }
        let namespace = &object["metadata"]["namespace"];
        if namespace.as_str().is_some_and(|it| it != self.namespace) {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(refusal(400, "BadRequest", message));
        }
        Ok(object)
    }
}

/// Who changes something: who says it, or by which name its program is known.
fn manager(asked: &Asked, headers: &HeaderMap) -> Manager {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let agent = agent.and_then(|agent| agent.split('/').next());
    let name = asked.field_manager.as_deref().or(agent);
    Manager {
        name: name.unwrap_or("unknown").to_owned(),
        applies: false,
    }
}

fn deletion(asked: &Asked, body: &Bytes) -> Result<Deletion, Refusal> {
    let said = if body.is_empty() {
        Value::Null
    } else {
        read(body)?
    };
    let only = |name: &str| said["preconditions"][name].as_str().map(str::to_owned);
    Ok(Deletion {
        grace: said["gracePeriodSeconds"]
            .as_u64()
            .or(asked.grace_period_seconds),
        uid: only("uid"),
        version: only("resourceVersion"),
    })
}

fn read(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| refusal(400, "BadRequest", error.to_string()))
}

/// An object, or what there is to say about it, if that is all that is asked for.
fn shown(headers: &HeaderMap, object: Value) -> Value {
    let accepted = headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|accept| accept.to_str().ok());
    match accepted.is_some_and(|accept| accept.contains("as=PartialObjectMetadata")) {
        true => json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": object["metadata"],
        }),
        false => object,
    }
}
