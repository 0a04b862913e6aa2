//! Nodes and pods that do what a test says, step by step.

use serde_json::{Value, json};

use super::behaviour::End;
use crate::object::Kind;
use crate::store::{Deletion, Key, Manager};
use crate::{Double, Refusal};

impl Double {
    /// Adds a node that is ready.
    ///
    /// # Errors
    /// If there is one of the name.
    pub fn add_node(&self, name: &str, labels: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut all = json!({"kubernetes.io/hostname": name});
        for (label, value) in labels {
            all[*label] = json!(value);
        }
        let node = json!({
            "metadata": {"name": name, "labels": all},
            "spec": {},
            "status": {
                "allocatable": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "8"},
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"}],
            },
        });
        let key = Key {
            kind: Kind::Node,
            namespace: String::new(),
            name: name.to_owned(),
        };
        self.shared
            .with(|store| store.create(&key, node, &Manager::default()))
            .map(drop)
    }

    /// Whether the container of a pod runs.
    pub fn is_running(&self, pod: &Key) -> bool {
        let pod = self.get(pod).unwrap_or_default();
        pod["status"]["containerStatuses"][0]["state"]["running"].is_object()
    }

    /// Starts the container of a pod.
    ///
    /// # Errors
    /// If there is no such pod.
    pub fn run(&self, pod: &Key) -> Result<(), Refusal> {
        let status = |container: &str| {
            json!({
                "phase": "Running",
                "initContainerStatuses": [state("agent", &json!({"terminated": {"exitCode": 0}}))],
                "containerStatuses": [state(container, &json!({"running": {}}))],
            })
        };
        self.set_status(pod, |object| status(container(object)))
    }

    /// Keeps a pod from its start.
    ///
    /// # Errors
    /// If there is no such pod.
    pub fn keep_waiting(&self, pod: &Key, reason: &str, message: &str) -> Result<(), Refusal> {
        self.set_status(pod, |object| {
            let waiting = json!({"waiting": {"reason": reason, "message": message}});
            json!({"phase": "Pending", "containerStatuses": [state(container(object), &waiting)]})
        })
    }

    /// Ends the container of a pod. If the pod is to go, it goes.
    ///
    /// # Errors
    /// If there is no such pod.
    pub fn end(&self, pod: &Key, end: &End) -> Result<(), Refusal> {
        self.set_status(pod, |object| {
            let mut terminated = json!({"exitCode": end.code});
            if let Some(reason) = end.reason {
                terminated["reason"] = json!(reason);
            }
            if let Some(message) = &end.message {
                terminated["message"] = json!(message);
            }
            let phase = if end.code == 0 { "Succeeded" } else { "Failed" };
            let state = state(container(object), &json!({"terminated": terminated}));
            json!({"phase": phase, "containerStatuses": [state]})
        })?;
        let is_going = self
            .get(pod)
            .is_some_and(|it| it["metadata"]["deletionTimestamp"].is_string());
        if is_going {
            let now = Deletion {
                grace: Some(0),
                ..Deletion::default()
            };
            self.shared.with(|store| store.delete(pod, &now))?;
        }
        Ok(())
    }

    /// Removes the object of a pod as if its node were gone, whatever still runs.
    ///
    /// # Errors
    /// If there is no such pod.
    pub fn lose(&self, pod: &Key) -> Result<(), Refusal> {
        let now = Deletion {
            grace: Some(0),
            ..Deletion::default()
        };
        self.shared.with(|store| store.delete(pod, &now)).map(drop)
    }

    /// Says of a node whether it is ready, and that it has been so for long.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn set_ready(&self, name: &str, is_ready: bool) -> Result<(), Refusal> {
        let key = Key {
            kind: Kind::Node,
            namespace: String::new(),
            name: name.to_owned(),
        };
        let status = if is_ready { "True" } else { "Unknown" };
        self.set_status(&key, |_| {
            json!({"conditions": [{
                "type": "Ready", "status": status, "lastTransitionTime": "2026-01-02T03:04:05Z",
            }]})
        })
    }

    /// Lets a node take no more pods.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn cordon(&self, name: &str) -> Result<(), Refusal> {
        let key = Key {
            kind: Kind::Node,
            namespace: String::new(),
            name: name.to_owned(),
        };
        let cordon = json!({"spec": {"unschedulable": true}});
        let by_hand = Manager::default();
        let cordoned = self
            .shared
            .with(|store| store.merge(&key, &cordon, false, &by_hand));
        cordoned.map(drop)
    }

    /// Removes a node.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn remove_node(&self, name: &str) -> Result<(), Refusal> {
        self.lose(&Key {
            kind: Kind::Node,
            namespace: String::new(),
            name: name.to_owned(),
        })
    }

    /// The pods that are to go and whose containers still run.
    pub fn going(&self) -> Vec<Key> {
        let store = self.shared.lock();
        let all = store.keys(Kind::Pod);
        let is_going = |key: &Key| {
            let pod = store.get(key).unwrap_or_default();
            let is_over = pod["status"]["containerStatuses"][0]["state"]["terminated"].is_object();
            pod["metadata"]["deletionTimestamp"].is_string() && !is_over
        };
        all.into_iter().filter(is_going).collect()
    }

    /// Hears that something has changed.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    fn set_status(&self, pod: &Key, status: impl FnOnce(&Value) -> Value) -> Result<(), Refusal> {
        self.shared.with(|store| {
            let status = status(&store.get(pod)?);
            let by_hand = Manager::default();
            store
                .merge(pod, &json!({"status": status}), true, &by_hand)
                .map(drop)
        })
    }
}

fn container(pod: &Value) -> &str {
    pod["spec"]["containers"][0]["name"]
        .as_str()
        .unwrap_or_default()
}

fn state(name: &str, state: &Value) -> Value {
    json!({
        "name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state,
    })
}
