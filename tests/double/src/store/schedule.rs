//! The scheduler.

use serde_json::{Value, json};

use super::{Store, What, is_going};
use crate::object::Kind;

impl Store {
    /// The scheduler: a pod goes where its selector says, if there is such a node and it takes pods.
    pub(super) fn bind(&self, pod: &mut Value) {
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

    /// A node is new, or otherwise than it was: pods that wait may go there.
    pub(super) fn bind_waiting(&mut self) {
        let waiting = self.objects(Kind::Pod);
        let waiting = waiting.filter(|(_, pod)| pod["spec"]["nodeName"].is_null());
        let waiting: Vec<_> = waiting
            .map(|(key, pod)| (key.clone(), pod.clone()))
            .collect();
        for (key, mut pod) in waiting.into_iter().filter(|(_, pod)| !is_going(pod)) {
            self.bind(&mut pod);
            if pod["spec"]["nodeName"].is_string() {
                pod["status"] = json!({"phase": "Pending"});
                self.put(&key, What::Modified, pod);
            }
        }
    }
}
