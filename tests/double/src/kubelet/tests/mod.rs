//! Kubelets, with processes and without.

mod processes;
mod simulated;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Behave, Behaviour, KubeletOptions, Kubelets, locked};
use crate::object::Kind;
use crate::store::{Deletion, Manager};
use crate::{Double, Key};

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster of one node, whose clock a test moves.
struct Cluster {
    double: Double,
    kubelets: Kubelets,
    time: Arc<Mutex<DateTime<Utc>>>,
}

impl Cluster {
    async fn new(options: KubeletOptions) -> Self {
        let time = Arc::new(Mutex::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let clock = Arc::clone(&time);
        let double = Double::start_at(Arc::new(move || *locked(&clock))).await;
        let double = double.unwrap();
        double.add_node("n1", &[]).unwrap();
        let kubelets = double.run_pods(options).unwrap();
        Self {
            double,
            kubelets,
            time,
        }
    }

    async fn simulated(behaviour: Behaviour) -> Self {
        Self::new(KubeletOptions {
            behave: Behave::by(move |_| behaviour.clone()),
            ..KubeletOptions::default()
        })
        .await
    }

    fn create(&self, kind: Kind, name: &str, object: Value) -> Key {
        let key = Key {
            kind,
            namespace: "n".to_owned(),
            name: name.to_owned(),
        };
        let shared = &self.double.shared;
        let created = shared.with(|store| store.create(&key, object, &Manager::default()));
        created.unwrap();
        key
    }

    /// A pod with one container.
    fn pod(&self, name: &str, spec: &Value) -> Key {
        let mut object = json!({"spec": {
            "nodeSelector": {"kubernetes.io/hostname": "n1"}, "restartPolicy": "Never",
            "containers": [{"name": "rank", "image": "i"}],
        }});
        for (part, value) in spec.as_object().into_iter().flatten() {
            object["spec"][part] = value.clone();
        }
        self.create(Kind::Pod, name, object)
    }

    fn delete(&self, pod: &Key, grace: u64) {
        let how = Deletion {
            grace: Some(grace),
            ..Deletion::default()
        };
        let shared = &self.double.shared;
        shared.with(|store| store.delete(pod, &how)).unwrap();
    }

    /// Moves the clock.
    fn pass(&self, seconds: i64) {
        *locked(&self.time) += TimeDelta::seconds(seconds);
        self.kubelets.tick();
    }

    /// Waits until something holds of a pod; null is one that is gone.
    async fn until(&self, pod: &Key, holds: impl Fn(&Value) -> bool + Send + Sync) -> Value {
        let mut changes = self.double.changes();
        let waited = timeout(PATIENCE, async {
            loop {
                changes.mark_unchanged();
                let seen = self.double.get(pod).unwrap_or_default();
                if holds(&seen) {
                    return seen;
                }
                changes.changed().await.unwrap();
            }
        });
        match waited.await {
            Ok(seen) => seen,
            Err(_) => panic!(
                "it does not come to that: {:#}",
                self.double.get(pod).unwrap_or_default()
            ),
        }
    }

    async fn is_gone(&self, pod: &Key) {
        self.until(pod, Value::is_null).await;
    }
}

fn state(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]
}

fn is_running(pod: &Value) -> bool {
    state(pod)["running"].is_object()
}

fn is_over(pod: &Value) -> bool {
    state(pod)["terminated"].is_object()
}

fn condition(pod: &Value, kind: &str) -> Value {
    let all = pod["status"]["conditions"].as_array().unwrap();
    let found = all.iter().find(|condition| condition["type"] == kind);
    found.map_or(Value::Null, |condition| condition["status"].clone())
}
