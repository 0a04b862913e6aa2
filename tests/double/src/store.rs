//! Objects, their versions, what happened to them, and who goes with whom. Pure: it has no clock and waits for nothing.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use crate::object::Kind;

/// Changes that can still be watched from.
const HISTORY: usize = 10_000;
/// Every time here: objects need some, and nothing reads the hands.
const NOW: &str = "2026-01-02T03:04:05Z";

/// Name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for nodes.
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Value>,
    version: u64,
    history: VecDeque<Change>,
    /// The newest change that cannot be watched any more.
    forgotten: u64,
    n_uids: u64,
    n_writes: usize,
}

impl Store {
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
        let keys = self.objects.keys().filter(|key| key.kind == kind);
        keys.map(|key| key.name.clone()).collect()
    }

    pub(crate) fn keys(&self, kind: Kind) -> Vec<Key> {
        let keys = self.objects.keys().filter(|key| key.kind == kind);
        keys.cloned().collect()
    }

    pub(crate) fn get(&self, key: &Key) -> Result<Value, Refusal> {
        self.objects.get(key).cloned().ok_or_else(|| missing(key))
    }

    pub(crate) fn list(&self, kind: Kind, namespace: &str, selector: &Selector) -> Vec<Value> {
        let all = self.objects.iter();
        all.filter(|(key, object)| {
            key.kind == kind && key.namespace == namespace && selector.holds(object)
        })
        .map(|(_, object)| object.clone())
        .collect()
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

    pub(crate) fn forget_history(&mut self) {
        self.history.clear();
        self.forgotten = self.version;
    }

    pub(crate) fn create(&mut self, key: &Key, mut object: Value) -> Result<Value, Refusal> {
        if self.objects.contains_key(key) {
            let message = format!("{} \"{}\" already exists", key.kind.plural(), key.name);
            return Err(refusal(409, "AlreadyExists", message));
        }
        self.n_uids += 1;
        let meta = metadata(&mut object);
        meta.insert("uid".to_owned(), json!(format!("uid-{}", self.n_uids)));
        meta.insert("creationTimestamp".to_owned(), json!(NOW));
        meta.insert("generation".to_owned(), json!(1));
        object["apiVersion"] = json!(key.kind.api_version());
        object["kind"] = json!(key.kind.name());
        if key.kind == Kind::Pod {
            object["status"] = json!({"phase": "Pending"});
            self.bind(&mut object);
        }
        Ok(self.put(key, What::Added, object))
    }

    /// Merges a patch (RFC 7386): into the status only, or into everything else.
    pub(crate) fn merge(
        &mut self,
        key: &Key,
        patch: &Value,
        of_status: bool,
    ) -> Result<Value, Refusal> {
        let mut object = self.get(key)?;
        let before = object.clone();
        let mut patch = patch.clone();
        if let Some(parts) = patch.as_object_mut() {
            parts.retain(|name, _| (name == "status") == of_status);
        }
        merge(&mut object, &patch);
        // Nobody changes who it is.
        for name in [
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "resourceVersion",
        ] {
            object["metadata"][name] = before["metadata"][name].clone();
        }
        if object == before {
            return Ok(object);
        }
        if is_going(&object) && !has_finalizers(&object) && key.kind != Kind::Pod {
            self.remove(key);
            return Ok(object);
        }
        Ok(self.put(key, What::Modified, object))
    }

    /// Lets an object go: at once, or when its kubelet or its finalizers are done with it. What it owns follows.
    pub(crate) fn delete(&mut self, key: &Key, how: &Deletion) -> Result<Value, Refusal> {
        let mut object = self.get(key)?;
        let uid = object["metadata"]["uid"].as_str();
        if how.uid.as_deref().is_some_and(|wanted| uid != Some(wanted)) {
            let message = format!(
                "the UID in the precondition is not that of \"{}\"",
                key.name
            );
            return Err(refusal(409, "Conflict", message));
        }
        let usual = object["spec"]["terminationGracePeriodSeconds"].as_u64();
        let grace = how.grace.or(usual).unwrap_or(0);
        let waits = has_finalizers(&object) || (grace > 0 && has_kubelet(&object));
        if !waits {
            self.remove(key);
            return Ok(object);
        }
        let meta = metadata(&mut object);
        meta.entry("deletionTimestamp")
            .or_insert_with(|| json!(NOW));
        let before = meta
            .get("deletionGracePeriodSeconds")
            .and_then(Value::as_u64);
        let shorter = before.map_or(grace, |before| before.min(grace));
        meta.insert("deletionGracePeriodSeconds".to_owned(), json!(shorter));
        Ok(self.put(key, What::Modified, object))
    }

    /// The scheduler: a pod goes where its selector says, if there is such a node and it takes pods.
    fn bind(&self, pod: &mut Value) {
        let wanted = pod["spec"]["nodeSelector"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let fits = |node: &Value| {
            let has = |(name, value): (&String, &Value)| node["metadata"]["labels"][name] == *value;
            wanted.iter().all(has) && node["spec"]["unschedulable"] != json!(true)
        };
        let mut nodes = self
            .objects
            .iter()
            .filter(|(key, _)| key.kind == Kind::Node);
        match nodes.find(|(_, node)| fits(node)) {
            Some((key, _)) => pod["spec"]["nodeName"] = json!(key.name),
            None => {
                pod["status"]["conditions"] = json!([{
                    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "no node fits",
                }]);
            }
        }
    }

    fn put(&mut self, key: &Key, what: What, mut object: Value) -> Value {
        self.version += 1;
        let version = self.version.to_string();
        metadata(&mut object).insert("resourceVersion".to_owned(), json!(version));
        self.objects.insert(key.clone(), object.clone());
        self.note(key, what, object.clone());
        object
    }

    fn remove(&mut self, key: &Key) {
        let Some(mut object) = self.objects.remove(key) else {
            return;
        };
        self.version += 1;
        let version = self.version.to_string();
        metadata(&mut object).insert("resourceVersion".to_owned(), json!(version));
        let uid = object["metadata"]["uid"].clone();
        self.note(key, What::Deleted, object);
        // The garbage collector.
        let is_owned = |object: &Value| {
            let owners = object["metadata"]["ownerReferences"].as_array();
            owners.is_some_and(|owners| {
                owners.iter().all(|owner| owner["uid"] == uid) && !owners.is_empty()
            })
        };
        let owned: Vec<Key> = { self.objects.iter() }
            .filter(|(_, object)| is_owned(object))
            .map(|(key, _)| key.clone())
            .collect();
        for key in owned {
            // It is there: it was just found.
            let _ = self.delete(&key, &Deletion::default());
        }
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

/// Labels that objects must have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector(Vec<(String, String)>);

impl Selector {
    /// `name=value,…`, the only form that we send.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let parts = text.split(',').filter(|part| !part.is_empty());
        let pairs = parts.map(|part| {
            let pair = part.split_once('=');
            let pair = pair.filter(|(name, _)| !name.ends_with('!'));
            let pair = pair
                .map(|(name, value)| (name.to_owned(), value.trim_start_matches('=').to_owned()));
            pair.ok_or_else(|| {
                refusal(
                    400,
                    "BadRequest",
                    format!("a selector that is not known here: {part}"),
                )
            })
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn holds(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.0
            .iter()
            .all(|(name, value)| labels[name] == json!(value))
    }
}

pub(crate) fn refusal(code: u16, reason: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        code,
        reason,
        message: message.into(),
    }
}

fn missing(key: &Key) -> Refusal {
    let message = format!("{} \"{}\" not found", key.kind.plural(), key.name);
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

/// Whether a kubelet has to end it first.
fn has_kubelet(object: &Value) -> bool {
    let is_over = matches!(
        object["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    );
    object["kind"] == "Pod" && object["spec"]["nodeName"].is_string() && !is_over
}

fn merge(into: &mut Value, patch: &Value) {
    let Some(parts) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (name, part) in parts {
        if part.is_null() {
            if let Some(object) = into.as_object_mut() {
                object.remove(name);
            }
        } else {
            merge(&mut into[name], part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Kind, name: &str) -> Key {
        Key {
            kind,
            namespace: if kind == Kind::Node { "" } else { "n" }.to_owned(),
            name: name.to_owned(),
        }
    }

    fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> u16 {
        result.unwrap_err().code
    }

    /// A store with a node, and a pod on it that belongs to a secret.
    fn store() -> Store {
        let mut store = Store::default();
        let node = json!({"metadata": {"name": "n1", "labels": {"host": "n1"}}});
        store.create(&key(Kind::Node, "n1"), node).unwrap();
        let secret = store
            .create(&key(Kind::Secret, "s"), json!({"data": {"a": "1"}}))
            .unwrap();
        let pod = json!({
            "metadata": {"ownerReferences": [{"uid": secret["metadata"]["uid"]}]},
            "spec": {"nodeSelector": {"host": "n1"}, "terminationGracePeriodSeconds": 30},
        });
        store.create(&key(Kind::Pod, "p"), pod).unwrap();
        store
    }

    #[test]
    fn an_object_is_created_once_and_changed_by_merging() {
        let mut store = store();
        let secret = key(Kind::Secret, "s");
        assert_eq!(code(store.create(&secret, json!({}))), 409);
        let patch = json!({"data": {"b": "2"}, "status": {"no": 1}, "metadata": {"uid": "mine"}});
        let merged = store.merge(&secret, &patch, false).unwrap();
        assert_eq!(merged["data"], json!({"a": "1", "b": "2"}));
        assert_eq!(
            (merged["status"].clone(), merged["metadata"]["uid"].clone()),
            (json!(null), json!("uid-2"))
        );
        let version = store.version();
        store.merge(&secret, &patch, false).unwrap();
        assert_eq!(store.version(), version, "it is as it was");
        assert_eq!(
            code(store.merge(&key(Kind::Secret, "none"), &patch, false)),
            404
        );
    }

    #[test]
    fn a_pod_goes_to_the_node_of_its_selector_or_waits() {
        let mut store = store();
        assert_eq!(
            store.get(&key(Kind::Pod, "p")).unwrap()["spec"]["nodeName"],
            "n1"
        );
        let nowhere = json!({"spec": {"nodeSelector": {"host": "n2"}}});
        let waiting = store.create(&key(Kind::Pod, "q"), nowhere).unwrap();
        assert_eq!(
            waiting["status"]["conditions"][0]["reason"],
            "Unschedulable"
        );
    }

    #[test]
    fn a_pod_on_a_node_goes_when_its_kubelet_is_done() {
        let mut store = store();
        let pod = key(Kind::Pod, "p");
        let other = Deletion {
            uid: Some("other".to_owned()),
            grace: None,
        };
        assert_eq!(code(store.delete(&pod, &other)), 409);
        let one = Deletion {
            grace: Some(1),
            uid: None,
        };
        let going = store.delete(&pod, &one).unwrap();
        assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 1);
        assert!(store.get(&pod).is_ok());
        store
            .delete(
                &pod,
                &Deletion {
                    grace: Some(0),
                    uid: None,
                },
            )
            .unwrap();
        assert_eq!(code(store.get(&pod)), 404);
    }

    #[test]
    fn what_an_object_owns_goes_with_it() {
        let mut store = store();
        store
            .delete(&key(Kind::Secret, "s"), &Deletion::default())
            .unwrap();
        let pod = store.get(&key(Kind::Pod, "p")).unwrap();
        assert!(is_going(&pod), "its kubelet ends it");
        store
            .merge(
                &key(Kind::Pod, "p"),
                &json!({"status": {"phase": "Failed"}}),
                true,
            )
            .unwrap();
        store
            .delete(&key(Kind::Pod, "p"), &Deletion::default())
            .unwrap();
        assert_eq!(store.names(Kind::Pod), Vec::<String>::new());
    }

    #[test]
    fn what_happened_can_be_watched_as_long_as_it_is_remembered() {
        let mut store = store();
        let all: Vec<What> = store.since(0).unwrap().map(|change| change.what).collect();
        assert_eq!(all, [What::Added; 3]);
        store
            .delete(&key(Kind::Node, "n1"), &Deletion::default())
            .unwrap();
        let last: Vec<What> = store.since(3).unwrap().map(|change| change.what).collect();
        assert_eq!(last, [What::Deleted]);
        store.forget_history();
        assert!(store.since(3).is_none());
        assert_eq!(store.since(4).unwrap().count(), 0);
    }
}
