//! Warnings about pods, as a kubelet writes them: the same one is one object that counts.

use serde_json::json;

use crate::Double;
use crate::object::Kind;
use crate::store::{Key, Manager, Refusal, Store, text};

/// Writes a warning, or counts it once more.
pub(crate) fn warn(
    store: &mut Store,
    pod: &Key,
    reason: &str,
    message: &str,
) -> Result<(), Refusal> {
    let now = text(store.now());
    let uid = store.get(pod)?["metadata"]["uid"].clone();
    let key = Key {
        kind: Kind::Event,
        namespace: pod.namespace.clone(),
        name: format!("{}.{}", pod.name, reason.to_lowercase()),
    };
    let told = match store.get(&key) {
        Ok(event) => {
            let count = event["count"].as_u64().unwrap_or_default() + 1;
            let again = json!({"count": count, "message": message, "lastTimestamp": now});
            store.merge(&key, &again, false, &Manager::default())
        }
        Err(_) => {
            let event = json!({
                "metadata": {"name": key.name},
                "involvedObject": {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": uid},
                "type": "Warning", "reason": reason, "message": message, "count": 1,
                "source": {"component": "kubelet"}, "firstTimestamp": now, "lastTimestamp": now,
            });
            store.create(&key, event, &Manager::default())
        }
    };
    told.map(drop)
}

impl Double {
    /// Warns of something that goes wrong with a pod.
    ///
    /// # Errors
    /// If there is no such pod.
    pub fn warn(&self, pod: &Key, reason: &str, message: &str) -> Result<(), Refusal> {
        self.shared.with(|store| warn(store, pod, reason, message))
    }
}
