//! What the object of a node says. Pure.
//!
//! An object is read once, when the watch brings it. What depends on the time is computed from that when somebody asks.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::runtime::NodeReport;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::object::Capacity;
use crate::{labels, quantity};

/// So long a node may be silent or unwell before it counts as not ready: most that stumble recover.
const DEBOUNCE: Duration = Duration::from_secs(10);

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The name of its object.
    pub(crate) object: String,
    /// The name that pods are pinned to. Every kubelet gives its node one.
    pub(crate) name: String,
    health: Health,
    /// What it is for us, if it is in a group of ours.
    ours: Option<Ours>,
}

/// What its kubelet says of it, or who watches over that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Ready,
    /// Not ready, or silent; since when, if that is said.
    Unwell(Option<Timestamp>),
    /// It never said anything.
    Unknown,
}

/// What a node is for us.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ours {
    group: String,
    zone: Option<String>,
    capacity: Capacity,
    is_cordoned: bool,
    /// Whether it has a taint in spite of which our pods may not be there.
    keeps_out: bool,
    mark: Mark,
}

/// What its label says of whether it is out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// It is in use.
    Absent,
    /// It is out of use, and we have cordoned it.
    Cordoned,
    /// It is out of use, and somebody else had cordoned it.
    CordonedBefore,
}

impl Node {
    /// Reads an object; none without a name that pods can be pinned to. A group may have parts, as in `meta.training`: the
    /// last one counts.
    pub(crate) fn read(node: &v1::Node, cluster: &Cluster) -> Option<Self> {
        let all = node.metadata.labels.as_ref()?;
        let group = all.get(&cluster.group_label);
        let group = group.and_then(|group| group.rsplit('.').next());
        Some(Self {
            object: node.metadata.name.clone()?,
            name: all.get(labels::HOSTNAME)?.clone(),
            health: health(node),
            ours: group.map(|group| Ours {
                group: group.to_owned(),
                zone: all.get("topology.kubernetes.io/zone").cloned(),
                capacity: capacity(node, cluster),
                is_cordoned: node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true),
                keeps_out: keeps_out(node, cluster),
                mark: match all.get(labels::DISABLED).map(String::as_str) {
                    None => Mark::Absent,
                    Some(labels::CORDONED) => Mark::Cordoned,
                    Some(_) => Mark::CordonedBefore,
                },
            }),
        })
    }

    /// What it has for tasks; none if it is not ours.
    pub(crate) fn capacity(&self) -> Option<Capacity> {
        Some(self.ours.as_ref()?.capacity)
    }

    /// What the platform is to know of it; none if it is not ours.
    pub(crate) fn report(&self, now: Timestamp) -> Option<NodeReport> {
        let ours = self.ours.as_ref()?;
        // Who has disabled it, and why, the platform knows better.
        let is_cordoned = ours.is_cordoned && ours.mark != Mark::Cordoned;
        let cpus = ours.capacity.millicpus / 1000;
        Some(NodeReport {
            name: self.name.clone(),
            group: ours.group.clone(),
            zone: ours.zone.clone(),
            ready: !is_cordoned && !ours.keeps_out && self.is_ready(now),
            cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
            memory_bytes: ours.capacity.memory_bytes,
            gpus: ours.capacity.gpus,
        })
    }

    /// What of its object is to be changed, so that everybody sees whether it is out of use; none if it is as it should be,
    /// or not ours. It is labelled and cordoned; what somebody else has cordoned stays so.
    pub(crate) fn order(&self, is_disabled: bool) -> Option<Value> {
        let ours = self.ours.as_ref()?;
        let label = |value: Option<&str>| json!({"labels": {labels::DISABLED: value}});
        match (is_disabled, ours.mark) {
            (true, Mark::Absent) if ours.is_cordoned => {
                Some(json!({"metadata": label(Some(labels::CORDONED_BEFORE))}))
            }
            (true, Mark::Absent) => Some(json!({
                "metadata": label(Some(labels::CORDONED)), "spec": {"unschedulable": true},
            })),
            (false, Mark::Cordoned) => {
                Some(json!({"metadata": label(None), "spec": {"unschedulable": null}}))
            }
            (false, Mark::CordonedBefore) => Some(json!({"metadata": label(None)})),
            (true, _) | (false, Mark::Absent) => None,
        }
    }

    /// How long it has not been ready, as far as that is known.
    pub(crate) fn silence(&self, now: Timestamp) -> Duration {
        match self.health {
            Health::Unwell(Some(since)) => elapsed(since, now),
            Health::Unwell(None) | Health::Ready | Health::Unknown => Duration::ZERO,
        }
    }

    /// Ready, or not for less than [`DEBOUNCE`].
    fn is_ready(&self, now: Timestamp) -> bool {
        match self.health {
            Health::Ready => true,
            Health::Unwell(since) => since.is_some_and(|since| elapsed(since, now) < DEBOUNCE),
            Health::Unknown => false,
        }
    }
}

fn health(node: &v1::Node) -> Health {
    let status = node.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    match conditions.find(|condition| condition.type_ == "Ready") {
        None => Health::Unknown,
        Some(ready) if ready.status == "True" => Health::Ready,
        Some(unwell) => Health::Unwell(unwell.last_transition_time.as_ref().map(|time| time.0)),
    }
}

fn capacity(node: &v1::Node, cluster: &Cluster) -> Capacity {
    let status = node.status.as_ref();
    let given = status.and_then(|status| status.allocatable.as_ref());
    let amount = |resource: &str| given.map_or(0, |given| milli(given, resource));
    Capacity {
        millicpus: amount("cpu"),
        memory_bytes: amount("memory") / 1000,
        gpus: u32::try_from(amount(&cluster.gpu_resource) / 1000).unwrap_or(u32::MAX),
    }
}

/// An amount in thousandths; 0 if there is none, or it cannot be read.
fn milli(amounts: &BTreeMap<String, Quantity>, resource: &str) -> u64 {
    let amount = amounts.get(resource);
    let amount = amount.and_then(|Quantity(text)| quantity::parse(text));
    amount.unwrap_or_default()
}

/// What the cluster says by taints of a node that is not ready, or cordoned, it says otherwise too.
fn keeps_out(node: &v1::Node, cluster: &Cluster) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().any(|taint| {
        let is_soft = taint.effect == "PreferNoSchedule";
        let is_of_cluster = taint.key.starts_with("node.kubernetes.io/");
        !is_soft && !is_of_cluster && !cluster.tolerations.contains(&taint.key)
    })
}

/// How long ago it was. What is yet to come, by another clock, was just now.
fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn node(change: impl FnOnce(&mut Value)) -> Node {
        let mut object = json!({
            "metadata": {"name": "gpu-1.example", "labels": {
                "kubernetes.io/hostname": "gpu-1", "hai_mars_group": "meta.training",
                "topology.kubernetes.io/zone": "b"}},
            "spec": {},
            "status": {
                "allocatable": {"cpu": "63500m", "memory": "527954308Ki", "nvidia.com/gpu": "8"},
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at(NOW - 60)}]},
        });
        change(&mut object);
        let cluster = Cluster {
            tolerations: vec!["nvidia.com/gpu".to_owned()],
            ..Cluster::new(String::new(), String::new(), String::new())
        };
        Node::read(&serde_json::from_value(object).unwrap(), &cluster).unwrap()
    }

    fn is_ready(change: impl FnOnce(&mut Value)) -> bool {
        node(change).report(at(NOW)).unwrap().ready
    }

    #[test]
    fn a_node_is_read() {
        let expected = NodeReport {
            name: "gpu-1".to_owned(),
            group: "training".to_owned(),
            zone: Some("b".to_owned()),
            ready: true,
            cpus: 63,
            memory_bytes: 527_954_308 << 10,
            gpus: 8,
        };
        let read = node(|_| {});
        assert_eq!(read.report(at(NOW)), Some(expected));
        assert_eq!(read.capacity().unwrap().millicpus, 63_500);
        assert_eq!(read.object, "gpu-1.example");
    }

    #[test]
    fn a_node_without_a_group_is_not_ours() {
        let foreign =
            node(|node| node["metadata"]["labels"] = json!({"kubernetes.io/hostname": "gpu-1"}));
        assert_eq!(foreign.report(at(NOW)), None);
        assert_eq!(foreign.order(true), None);
    }

    #[test]
    fn a_node_that_is_cordoned_or_unwell_for_a_while_is_not_ready() {
        assert!(!is_ready(|node| node["spec"]["unschedulable"] = json!(true)));
        for status in ["False", "Unknown"] {
            let unwell = |seconds: i64| {
                is_ready(|node| {
                    let condition = &mut node["status"]["conditions"][0];
                    condition["status"] = json!(status);
                    condition["lastTransitionTime"] = json!(at(NOW - seconds));
                })
            };
            assert!(unwell(9), "it may recover");
            assert!(!unwell(10));
        }
        assert!(!is_ready(|node| node["status"]["conditions"] = json!([])));
    }

    #[test]
    fn a_node_with_a_taint_takes_our_pods_only_in_spite_of_it() {
        let tainted = |key: &str, effect: &str| {
            is_ready(|node| node["spec"]["taints"] = json!([{"key": key, "effect": effect}]))
        };
        assert!(!tainted("example.com/broken", "NoSchedule"));
        assert!(!tainted("example.com/broken", "NoExecute"));
        assert!(tainted("example.com/broken", "PreferNoSchedule"));
        assert!(tainted("nvidia.com/gpu", "NoSchedule"), "it is tolerated");
        assert!(
            tainted("node.kubernetes.io/not-ready", "NoExecute"),
            "its condition counts"
        );
    }

    #[test]
    fn a_node_out_of_use_is_labelled_and_cordoned_and_what_others_have_cordoned_stays_so() {
        let marked = |mark: Option<&str>, is_cordoned: bool| {
            node(|node| {
                node["metadata"]["labels"][labels::DISABLED] = json!(mark);
                if mark.is_none() {
                    let all = node["metadata"]["labels"].as_object_mut().unwrap();
                    all.remove(labels::DISABLED);
                }
                node["spec"]["unschedulable"] = json!(is_cordoned);
            })
        };
        let order = |mark, is_cordoned, is_disabled| marked(mark, is_cordoned).order(is_disabled);
        let label = |value: Option<&str>| json!({"labels": {"hai-platform/disabled": value}});
        assert_eq!(
            order(None, false, true),
            Some(json!({"metadata": label(Some("cordoned")), "spec": {"unschedulable": true}}))
        );
        assert_eq!(
            order(None, true, true),
            Some(json!({"metadata": label(Some("cordoned-before"))}))
        );
        assert_eq!(
            order(Some("cordoned"), true, false),
            Some(json!({"metadata": label(None), "spec": {"unschedulable": null}}))
        );
        assert_eq!(
            order(Some("cordoned-before"), true, false),
            Some(json!({"metadata": label(None)}))
        );
        for (mark, is_disabled) in [(Some("cordoned"), true), (None, false)] {
            assert_eq!(order(mark, is_disabled, is_disabled), None);
        }
        let ours = marked(Some("cordoned"), true).report(at(NOW)).unwrap();
        assert!(ours.ready, "that it is disabled the platform knows better");
    }
}
