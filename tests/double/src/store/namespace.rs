//! Namespaces: what may come into one, what comes with it, and what goes with it.
//!
//! One that nobody has made was always there, and has what it needs.

use serde_json::{Value, json};

use super::{Key, Manager, Refusal, Store, What, is_going, metadata, missing, refusal, text};
use crate::object::Kind;

/// The account of pods that name none.
const ACCOUNT: &str = "default";

impl Store {
    /// Whether an object may come where it is to be.
    pub(super) fn admit(&self, key: &Key, object: &Value) -> Result<(), Refusal> {
        let of = of(&key.namespace);
        let Some(namespace) = self.objects.get(&of) else {
            return match self.gone.contains(&key.namespace) {
                true => Err(missing(&of)),
                false => Ok(()),
            };
        };
        let forbidden = |why: String| {
            let what = key.kind.resource();
            let message = format!("{what} \"{}\" is forbidden: {why}", key.name);
            Err(refusal(403, "Forbidden", message))
        };
        if is_going(namespace) {
            return forbidden(format!(
                "unable to create new content in namespace {} because it is being terminated",
                of.name
            ));
        }
        let account = object["spec"]["serviceAccountName"].as_str();
        let account = self::account(&of.name, account.unwrap_or(ACCOUNT));
        if key.kind == Kind::Pod && !self.objects.contains_key(&account) {
            let name = &account.name;
            return forbidden(format!(
                "error looking up service account {}/{name}: serviceaccount \"{name}\" not found",
                of.name
            ));
        }
        Ok(())
    }

    /// Namespaces that lack the account of pods that name none.
    pub(crate) fn without_account(&self) -> Vec<String> {
        let all = self.objects.range(of("")..);
        let all = all.take_while(|(key, _)| key.kind == Kind::Namespace);
        let lacks = |name: &str| !self.objects.contains_key(&account(name, ACCOUNT));
        all.filter(|(key, namespace)| !is_going(namespace) && lacks(&key.name))
            .map(|(key, _)| key.name.clone())
            .collect()
    }

    /// Gives a namespace its account.
    pub(crate) fn add_account(&mut self, namespace: &str) {
        let controller = Manager::default();
        // It may have gone meanwhile, or have one.
        let _ = self.create(&account(namespace, ACCOUNT), json!({}), &controller);
    }

    /// Lets a namespace go: what is in it goes first.
    pub(super) fn end_namespace(&mut self, key: &Key, mut object: Value) -> Value {
        let now = text(self.now);
        metadata(&mut object).insert("deletionTimestamp".to_owned(), json!(now));
        object["status"] = json!({"phase": "Terminating"});
        let object = self.put(key, What::Modified, object);
        let inside = self.objects.keys();
        let inside: Vec<Key> = inside
            .filter(|it| it.namespace == key.name)
            .cloned()
            .collect();
        for it in inside {
            // It may have gone with another one.
            let _ = self.delete(&it, &super::Deletion::default());
        }
        self.leave_if_empty(&key.name);
        object
    }

    /// Removes a namespace that is to go, if nothing is left in it.
    pub(super) fn leave_if_empty(&mut self, namespace: &str) {
        let key = of(namespace);
        let is_to_go = self.objects.get(&key).is_some_and(is_going);
        if is_to_go && !self.objects.keys().any(|it| it.namespace == namespace) {
            self.gone.insert(namespace.to_owned());
            self.remove(&key);
        }
    }
}

fn of(namespace: &str) -> Key {
    Key {
        kind: Kind::Namespace,
        namespace: String::new(),
        name: namespace.to_owned(),
    }
}

fn account(namespace: &str, name: &str) -> Key {
    Key {
        kind: Kind::ServiceAccount,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}
