//! How objects come, and are changed.

use serde_json::{Value, json};

use super::apply::{Apply, Manager, Owners, merge};
use super::{
    Deletion, IDENTITY, Key, Refusal, Store, What, has_finalizers, is_going, metadata, refusal,
    text,
};
use crate::object::Kind;

impl Store {
    /// Creates an object. One without a name gets one.
    pub(crate) fn create(
        &mut self,
        key: &Key,
        mut object: Value,
        manager: &Manager,
    ) -> Result<Value, Refusal> {
        let mut key = key.clone();
        if key.name.is_empty() {
            let Some(beginning) = object["metadata"]["generateName"].as_str() else {
                let message = "metadata.name: Required value: name or generateName is required";
                return Err(refusal(422, "Invalid", message));
            };
            self.n_names += 1;
            key.name = format!("{beginning}{:05}", self.n_names);
        }
        if self.objects.contains_key(&key) {
            let message = format!("{} \"{}\" already exists", key.kind.resource(), key.name);
            return Err(refusal(409, "AlreadyExists", message));
        }
        self.admit(&key, &object)?;
        self.owners
            .insert(key.clone(), Owners::of_all(&object, manager));
        self.n_uids += 1;
        let now = text(self.now);
        let meta = metadata(&mut object);
        for name in ["resourceVersion", "deletionTimestamp", "managedFields"] {
            meta.remove(name);
        }
        meta.insert("name".to_owned(), json!(key.name));
        if !key.kind.is_in_cluster() {
            meta.insert("namespace".to_owned(), json!(key.namespace));
        }
        meta.insert("uid".to_owned(), json!(format!("uid-{}", self.n_uids)));
        meta.insert("creationTimestamp".to_owned(), json!(now));
        meta.insert("generation".to_owned(), json!(1));
        object["apiVersion"] = json!(key.kind.api_version());
        object["kind"] = json!(key.kind.name());
        if key.kind == Kind::Pod {
            object["status"] = json!({"phase": "Pending"});
            self.bind(&mut object);
        }
        if key.kind == Kind::Namespace {
            object["status"] = json!({"phase": "Active"});
            self.gone.remove(&key.name);
        }
        let created = self.put(&key, What::Added, object);
        if self.is_orphan(&created) {
            // The garbage collector. It is there: it was just created.
            let _ = self.delete(&key, &Deletion::default());
        }
        Ok(created)
    }

    /// Merges a patch (RFC 7386): into the status only, or into everything else.
    pub(crate) fn merge(
        &mut self,
        key: &Key,
        patch: &Value,
        of_status: bool,
        manager: &Manager,
    ) -> Result<Value, Refusal> {
        let before = self.fresh(key, patch)?;
        let mut object = before.clone();
        let mut patch = patch.clone();
        if let Some(parts) = patch.as_object_mut() {
            parts.retain(|name, _| (name == "status") == of_status);
        }
        merge(&mut object, &patch);
        Ok(self.change(key, before, object, manager))
    }

    /// Puts an object in the place of the one that is there: its status only, or everything else.
    pub(crate) fn replace(
        &mut self,
        key: &Key,
        object: &Value,
        of_status: bool,
        manager: &Manager,
    ) -> Result<Value, Refusal> {
        let before = self.fresh(key, object)?;
        let (mut after, status) = match of_status {
            true => (before.clone(), object["status"].clone()),
            false => (object.clone(), before["status"].clone()),
        };
        after["status"] = status;
        for name in ["apiVersion", "kind"] {
            after[name] = before[name].clone();
        }
        for name in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
        ] {
            after["metadata"][name] = before["metadata"][name].clone();
        }
        drop_nulls(&mut after);
        Ok(self.change(key, before, after, manager))
    }

    /// Applies what a manager wants of an object (server-side apply), and creates it if there is none.
    pub(crate) fn apply(&mut self, key: &Key, apply: &Apply<'_>) -> Result<Value, Refusal> {
        if !self.objects.contains_key(key) {
            return self.create(key, apply.wanted.clone(), &apply.manager());
        }
        let before = self.fresh(key, apply.wanted)?;
        let owners = self.owners.entry(key.clone()).or_default();
        let object = apply.to(&before, owners)?;
        Ok(self.settle(key, before, object))
    }

    /// Puts a status in the place of the one that is there.
    pub(crate) fn set_status(&mut self, key: &Key, status: Value) -> Result<Value, Refusal> {
        let before = self.get(key)?;
        let mut object = before.clone();
        object["status"] = status;
        Ok(self.settle(key, before, object))
    }

    /// An object, unless the one that somebody has changed was an earlier one.
    fn fresh(&self, key: &Key, changed: &Value) -> Result<Value, Refusal> {
        let object = self.get(key)?;
        let seen = &changed["metadata"]["resourceVersion"];
        let is_stale = seen.is_string() && *seen != object["metadata"]["resourceVersion"];
        let uid = &changed["metadata"]["uid"];
        if is_stale || (seen.is_string() && uid.is_string() && *uid != object["metadata"]["uid"]) {
            let message = format!(
                "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your \
                 changes to the latest version and try again",
                key.kind.resource(),
                key.name
            );
            return Err(refusal(409, "Conflict", message));
        }
        Ok(object)
    }

    /// A manager has changed an object: what it has changed is its own.
    fn change(&mut self, key: &Key, before: Value, after: Value, manager: &Manager) -> Value {
        let owners = self.owners.entry(key.clone()).or_default();
        owners.take(&before, &after, manager);
        self.settle(key, before, after)
    }

    fn settle(&mut self, key: &Key, before: Value, mut object: Value) -> Value {
        for name in IDENTITY {
            object["metadata"][name] = before["metadata"][name].clone();
        }
        drop_nulls(&mut object["metadata"]);
        if object == before {
            return object;
        }
        let goes_later = matches!(key.kind, Kind::Pod | Kind::Namespace);
        if is_going(&object) && !has_finalizers(&object) && !goes_later {
            self.remove(key);
            return object;
        }
        if object["spec"] != before["spec"] && object["metadata"]["generation"].is_u64() {
            let generation = object["metadata"]["generation"]
                .as_u64()
                .unwrap_or_default();
            object["metadata"]["generation"] = json!(generation + 1);
        }
        self.put(key, What::Modified, object)
    }
}

/// What is not said is not there.
fn drop_nulls(object: &mut Value) {
    if let Some(parts) = object.as_object_mut() {
        parts.retain(|_, part| !part.is_null());
        parts.values_mut().for_each(drop_nulls);
    }
}
