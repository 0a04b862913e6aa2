//! What a path names, and what is asked of it.

use axum::http::Method;

use super::{Asked, is_true};
use crate::object::Kind;
use crate::permission::Wish;
use crate::store::{Key, Refusal, Selector, refusal};

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: Option<String>,
    pub(super) part: Option<String>,
}

impl Place {
    pub(super) fn of(api_version: &str, rest: &str) -> Result<Self, Refusal> {
        let words: Vec<&str> = rest.split('/').collect();
        let (namespace, words) = match words.as_slice() {
            // One word more would be a part of the namespace itself.
            ["namespaces", _] | ["namespaces", _, "status"] => ("", words.as_slice()),
            ["namespaces", namespace, words @ ..] => (*namespace, words),
            words => ("", words),
        };
        let known = match words {
            [plural] => Some((*plural, None, None)),
            [plural, name] => Some((*plural, Some(*name), None)),
            [plural, name, part] => Some((*plural, Some(*name), Some(*part))),
            _ => None,
        };
        let found = known.and_then(|(plural, name, part)| {
            Some(Self {
                kind: Kind::of(api_version, plural)?,
                namespace: namespace.to_owned(),
                name: name.map(str::to_owned),
                part: part.map(str::to_owned),
            })
        });
        let is_placed = |place: &Self| match place.namespace.is_empty() {
            true => place.kind.is_in_cluster() || place.name.is_none(),
            false => !place.kind.is_in_cluster(),
        };
        found.filter(is_placed).ok_or_else(|| {
            let message =
                format!("the server could not find the requested resource: {api_version} {rest}");
            refusal(404, "NotFound", message)
        })
    }

    pub(super) fn key(&self, name: &str) -> Key {
        Key {
            kind: self.kind,
            namespace: self.namespace.clone(),
            name: name.to_owned(),
        }
    }

    /// What is asked for, as permissions speak of it.
    pub(super) fn wish(&self, method: &Method, asked: &Asked, selector: &Selector) -> Wish {
        let is_watch = is_true(asked.watch.as_deref());
        let verb = match (method, &self.name) {
            (&Method::GET, None) if is_watch => "watch",
            (&Method::GET, None) => "list",
            (&Method::POST, _) => "create",
            (&Method::PATCH, _) => "patch",
            (&Method::PUT, _) => "update",
            (&Method::DELETE, None) => "deletecollection",
            (&Method::DELETE, Some(_)) => "delete",
            _ => "get",
        };
        let part = self.part.as_deref();
        Wish {
            verb,
            group: self.kind.group(),
            resource: self.kind.plural(),
            part: part.unwrap_or_default().to_owned(),
            namespace: self.namespace.clone(),
            name: { self.name.as_deref() }
                .or(selector.name())
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_objects_of_namespaces_and_of_the_cluster() {
        let names = |api_version: &str, path: &str| {
            let place = Place::of(api_version, path).ok()?;
            Some((place.kind, place.namespace, place.name, place.part))
        };
        let some = |text: &str| Some(text.to_owned());
        for (path, expected) in [
            ("pods", Some((Kind::Pod, String::new(), None, None))),
            (
                "namespaces/n/pods",
                Some((Kind::Pod, "n".to_owned(), None, None)),
            ),
            (
                "namespaces/n/pods/p/status",
                Some((Kind::Pod, "n".to_owned(), some("p"), some("status"))),
            ),
            (
                "namespaces/n",
                Some((Kind::Namespace, String::new(), some("n"), None)),
            ),
            (
                "nodes/n1",
                Some((Kind::Node, String::new(), some("n1"), None)),
            ),
            ("pods/p", None),
            ("namespaces/n/nodes", None),
            ("namespaces/n/deployments", None),
        ] {
            assert_eq!(names("v1", path), expected, "{path}");
        }
        assert!(names("apps/v1", "namespaces/n/deployments").is_some());
    }
}
