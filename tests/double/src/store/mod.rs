//! Objects, their versions, what happened to them, and who goes with whom. Pure: it is told the time, and waits for nothing.

mod apply;
mod end;
mod namespace;
mod schedule;
mod select;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use self::apply::Owners;
pub(crate) use self::apply::{Apply, Manager};
pub(crate) use self::select::Selector;
use crate::object::Kind;

/// Changes that can still be watched from.
const HISTORY: usize = 10_000;
/// What nobody changes of an object.
const IDENTITY: [&str; 5] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "resourceVersion",
];

/// Name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for what is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Added,
    Modified,
    Deleted,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) key: Key,
    pub(crate) what: What,
    pub(crate) object: Value,
}

/// Why the API server does not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} {reason}: {message}")]
pub struct Refusal {
    /// The status of HTTP.
    pub code: u16,
    /// One word.
    pub reason: &'static str,
    /// One sentence.
    pub message: String,
}

/// How something is to go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletion {
    pub(crate) grace: Option<u64>,
    pub(crate) uid: Option<String>,
    pub(crate) version: Option<String>,
}

/// The rest of a list that was asked for in parts: as it was when it was begun.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    pub(crate) version: u64,
    pub(crate) objects: Vec<Value>,
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Value>,
    /// Who has set what of an object.
    owners: BTreeMap<Key, Owners>,
    /// Lists that were begun, by what they go on with.
    rests: BTreeMap<String, Rest>,
    /// Namespaces that were there and have gone.
    gone: BTreeSet<String>,
    now: DateTime<Utc>,
    version: u64,
    history: VecDeque<Change>,
    /// The newest change that cannot be watched any more.
    forgotten: u64,
    n_uids: u64,
    n_names: u64,
    n_rests: u64,
    n_writes: usize,
}

impl Store {
    /// From now on it is so late.
    pub(crate) fn set_now(&mut self, now: DateTime<Utc>) {
        self.now = now;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn n_writes(&self) -> usize {
        self.n_writes
    }

    /// One more request has changed something.
    pub(crate) fn count_write(&mut self) {
        self.n_writes += 1;
    }

    pub(crate) fn names(&self, kind: Kind) -> Vec<String> {
        self.objects(kind)
            .map(|(key, _)| key.name.clone())
            .collect()
    }

    pub(crate) fn keys(&self, kind: Kind) -> Vec<Key> {
        self.objects(kind).map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn objects(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Value)> {
        let all = self.objects.iter();
        all.filter(move |(key, _)| key.kind == kind)
    }

    pub(crate) fn get(&self, key: &Key) -> Result<Value, Refusal> {
        self.objects.get(key).cloned().ok_or_else(|| missing(key))
    }

    /// The objects of a kind in a namespace; in all, if it is empty.
    pub(crate) fn list(&self, kind: Kind, namespace: &str, selector: &Selector) -> Vec<Value> {
        let all = self.objects(kind);
        let is_here = |key: &Key| namespace.is_empty() || key.namespace == namespace;
        all.filter(|(key, object)| is_here(key) && selector.holds(object))
            .map(|(_, object)| object.clone())
            .collect()
    }

    /// Keeps the rest of a list, and says by what it goes on.
    pub(crate) fn keep(&mut self, rest: Rest) -> String {
        self.n_rests += 1;
        let token = format!("rest-{}-{}", rest.version, self.n_rests);
        self.rests.insert(token.clone(), rest);
        token
    }

    /// The rest of a list, unless that is too long ago.
    pub(crate) fn rest(&self, token: &str) -> Result<Rest, Refusal> {
        let rest = self.rests.get(token).cloned();
        rest.ok_or_else(|| {
            let message =
                "The provided continue parameter is too old to display a consistent list result.";
            refusal(410, "Expired", message)
        })
    }

    /// The changes after a version, or none if they are not known any more.
    pub(crate) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let is_known = version >= self.forgotten;
        is_known.then(|| {
            self.history
                .iter()
                .filter(move |change| change.version > version)
        })
    }

    /// The earliest version that can be watched from.
    pub(crate) fn oldest(&self) -> u64 {
        self.forgotten
    }

    pub(crate) fn forget_history(&mut self) {
        self.history.clear();
        self.rests.clear();
        self.forgotten = self.version;
    }

    fn put(&mut self, key: &Key, what: What, mut object: Value) -> Value {
        self.version += 1;
        let version = self.version.to_string();
        metadata(&mut object).insert("resourceVersion".to_owned(), json!(version));
        self.objects.insert(key.clone(), object.clone());
        self.note(key, what, object.clone());
        if key.kind == Kind::Node {
            self.bind_waiting();
        }
        object
    }

    fn note(&mut self, key: &Key, what: What, object: Value) {
        if self.history.len() == HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.version;
        }
        self.history.push_back(Change {
            version: self.version,
            key: key.clone(),
            what,
            object,
        });
    }
}

/// A moment as objects have it.
pub(crate) fn text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The moment that an object has.
pub(crate) fn moment(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

pub(crate) fn refusal(code: u16, reason: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        code,
        reason,
        message: message.into(),
    }
}

fn missing(key: &Key) -> Refusal {
    let message = format!("{} \"{}\" not found", key.kind.resource(), key.name);
    refusal(404, "NotFound", message)
}

fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    let meta = &mut object["metadata"];
    if !meta.is_object() {
        *meta = json!({});
    }
    meta.as_object_mut().expect("it is an object now")
}

fn is_going(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

fn has_finalizers(object: &Value) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|finalizers| !finalizers.is_empty())
}
