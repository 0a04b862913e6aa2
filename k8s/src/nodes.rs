//! The nodes that are there, as the watch tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::runtime::NodeReport;
use k8s_openapi::api::core::v1;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::watcher::Event;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::node::Node;
use crate::object::Capacity;

/// All nodes of a cluster, by the names that pods are pinned to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nodes {
    known: BTreeMap<String, Node>,
    /// What a list that goes on has shown so far.
    listed: BTreeMap<String, Node>,
    is_complete: bool,
}

impl Nodes {
    /// Whether the cluster has told of all.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Takes in what the watch tells.
    pub(crate) fn hear(&mut self, event: Event<v1::Node>, cluster: &Cluster) {
        let named = |node: Node| (node.name.clone(), node);
        let read = |node: &v1::Node| Node::read(node, cluster).map(named);
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(node) => self.listed.extend(read(&node)),
            Event::InitDone => {
                self.known = std::mem::take(&mut self.listed);
                self.is_complete = true;
            }
            Event::Apply(node) => {
                self.forget(&node);
                self.known.extend(read(&node));
            }
            Event::Delete(node) => self.forget(&node),
        }
    }

    /// Whatever it was called: somebody may have given it another name.
    fn forget(&mut self, node: &v1::Node) {
        let object = node.metadata.name.as_deref().unwrap_or_default();
        self.known.retain(|_, known| known.object != object);
    }

    /// Whether there is a node of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// What a node of ours has for tasks.
    pub(crate) fn capacity(&self, name: &str) -> Option<Capacity> {
        self.known.get(name)?.capacity()
    }

    /// What the platform is to know of those that are ours.
    pub(crate) fn reports(&self, now: Timestamp) -> impl Iterator<Item = NodeReport> {
        self.known.values().filter_map(move |node| node.report(now))
    }

    /// What is to be changed, so that everybody sees which are out of use; with the names of their objects.
    pub(crate) fn orders(&self, disabled: &BTreeSet<&str>) -> Vec<(String, Value)> {
        let order = |node: &Node| {
            let order = node.order(disabled.contains(&*node.name))?;
            Some((node.object.clone(), order))
        };
        self.known.values().filter_map(order).collect()
    }

    /// Those of which nothing was heard for so long that what runs there is given up. If that is more than half of all, it is
    /// rather the cluster that hears nothing, and none is given up.
    pub(crate) fn silent(&self, now: Timestamp, patience: Duration) -> BTreeSet<String> {
        let n_nodes = self.known.len();
        let silent = { self.known.values() }.filter(|node| node.silence(now) >= patience);
        let silent: BTreeSet<String> = silent.map(|node| node.name.clone()).collect();
        match silent.len() > n_nodes / 2 && n_nodes > 1 {
            true => BTreeSet::new(),
            false => silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn cluster() -> Cluster {
        Cluster::new(String::new(), String::new(), String::new())
    }

    /// A node that has not been ready for so many seconds, or is if that is 0.
    fn node(object: &str, name: &str, silent_for: i64) -> v1::Node {
        let since = Timestamp::from_second(NOW - silent_for).unwrap();
        let status = if silent_for > 0 { "Unknown" } else { "True" };
        let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": since});
        serde_json::from_value(json!({
            "metadata": {"name": object, "labels": {
                "kubernetes.io/hostname": name, "hai_mars_group": "training"}},
            "status": {"conditions": [ready], "allocatable": {"cpu": "8"}}}))
        .unwrap()
    }

    fn nodes(all: impl IntoIterator<Item = v1::Node>) -> Nodes {
        let mut nodes = Nodes::default();
        nodes.hear(Event::Init, &cluster());
        for node in all {
            nodes.hear(Event::InitApply(node), &cluster());
        }
        nodes.hear(Event::InitDone, &cluster());
        nodes
    }

    #[test]
    fn it_is_complete_with_the_first_list_and_follows_what_is_told_then() {
        assert!(!Nodes::default().is_complete());
        let mut nodes = nodes([node("a", "n0", 0), node("b", "n1", 0)]);
        assert!(nodes.is_complete() && nodes.has("n0") && nodes.has("n1"));
        assert_eq!(nodes.capacity("n0").unwrap().millicpus, 8000);
        // Somebody gives it another name.
        nodes.hear(Event::Apply(node("a", "n7", 0)), &cluster());
        assert!(nodes.has("n7") && !nodes.has("n0"));
        nodes.hear(Event::Delete(node("a", "n7", 0)), &cluster());
        assert!(!nodes.has("n7") && nodes.has("n1"));
        nodes.hear(Event::Init, &cluster());
        assert!(
            nodes.has("n1"),
            "what was known counts until the list is there"
        );
        nodes.hear(Event::InitDone, &cluster());
        assert!(!nodes.has("n1"));
    }

    #[test]
    fn a_node_that_is_silent_for_long_is_given_up_unless_most_are() {
        let now = Timestamp::from_second(NOW).unwrap();
        let silent = |silent_for: &[i64]| {
            let numbered = silent_for.iter().enumerate();
            let all = numbered.map(|(number, seconds)| {
                let name = format!("n{number}");
                node(&name, &name, *seconds)
            });
            let silent = nodes(all).silent(now, Duration::from_secs(60));
            silent.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(silent(&[0, 59, 60]), ["n2"]);
        assert_eq!(silent(&[60]), ["n0"]);
        assert_eq!(silent(&[60, 60, 0, 0]), ["n0", "n1"]);
        assert!(silent(&[60, 60, 0]).is_empty(), "it is not the nodes");
    }
}
