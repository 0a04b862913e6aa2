//! How objects go, and what goes with them.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    Deletion, Key, Refusal, Store, What, has_finalizers, is_going, metadata, moment, refusal, text,
};
use crate::object::Kind;

impl Store {
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
        let version = object["metadata"]["resourceVersion"].as_str();
        if how.version.as_deref().is_some_and(|it| version != Some(it)) {
            let message = format!(
                "the ResourceVersion in the precondition is not that of \"{}\"",
                key.name
            );
            return Err(refusal(409, "Conflict", message));
        }
        if is_going(&object) {
            return Ok(self.hasten(key, object, how.grace));
        }
        if key.kind == Kind::Namespace {
            return Ok(self.end_namespace(key, object));
        }
        let usual = object["spec"]["terminationGracePeriodSeconds"].as_u64();
        let grace = how.grace.or(usual).unwrap_or(0);
        let waits = has_finalizers(&object) || (grace > 0 && has_kubelet(&object));
        if !waits {
            self.remove(key);
            return Ok(object);
        }
        let until = self.second() + seconds(grace);
        set_end(&mut object, until, grace);
        Ok(self.put(key, What::Modified, object))
    }

    /// What is to go already goes sooner, if that is asked, and never later. That it is over does not make it go: its kubelet
    /// removes it.
    fn hasten(&mut self, key: &Key, mut object: Value, grace: Option<u64>) -> Value {
        let meta = &object["metadata"];
        let before = meta["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
        let until = moment(&meta["deletionTimestamp"]);
        let (Some(grace), Some(until)) = (grace.filter(|grace| *grace < before), until) else {
            return object;
        };
        set_end(&mut object, until - seconds(before - grace), grace);
        if grace == 0 && !has_finalizers(&object) {
            self.remove(key);
            return object;
        }
        self.put(key, What::Modified, object)
    }

    pub(super) fn remove(&mut self, key: &Key) {
        let Some(mut object) = self.objects.remove(key) else {
            return;
        };
        self.version += 1;
        let version = self.version.to_string();
        metadata(&mut object).insert("resourceVersion".to_owned(), json!(version));
        let uid = object["metadata"]["uid"].clone();
        self.note(key, What::Deleted, object);
        self.owners.remove(key);
        self.leave_if_empty(&key.namespace);
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

    /// Whether all that it belongs to is gone.
    pub(super) fn is_orphan(&self, object: &Value) -> bool {
        let owners = object["metadata"]["ownerReferences"].as_array();
        let is_there = |owner: &Value| {
            let mut all = self.objects.values();
            all.any(|it| it["metadata"]["uid"] == owner["uid"])
        };
        owners.is_some_and(|owners| !owners.is_empty() && !owners.iter().any(is_there))
    }

    /// Now, in whole seconds. A part of one more never hurts.
    fn second(&self) -> DateTime<Utc> {
        let second = TimeDelta::seconds(1);
        let begun = self.now.duration_trunc(second).unwrap_or(self.now);
        if begun == self.now {
            begun
        } else {
            begun + second
        }
    }
}

fn seconds(n: u64) -> TimeDelta {
    TimeDelta::seconds(i64::from(u32::try_from(n).unwrap_or(u32::MAX)))
}

/// Notes when it is to go.
fn set_end(object: &mut Value, until: DateTime<Utc>, grace: u64) {
    let meta = metadata(object);
    meta.insert("deletionTimestamp".to_owned(), json!(text(until)));
    meta.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
}

/// Whether a kubelet has to end it first.
fn has_kubelet(object: &Value) -> bool {
    let is_over = matches!(
        object["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    );
    object["kind"] == "Pod" && object["spec"]["nodeName"].is_string() && !is_over
}
