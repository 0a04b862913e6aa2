//! What the objects of nodes say. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::runtime::NodeReport;
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::labels;
use crate::object::Capacity;

/// So long a node may be silent or unwell before it counts as not ready: most that stumble recover.
const DEBOUNCE: Duration = Duration::from_secs(10);

/// What a node of the cluster is for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterNode {
    pub(crate) report: NodeReport,
    pub(crate) capacity: Capacity,
}

/// Reads a node; none if it is in no group of ours. A group may have parts, as in `meta.training`: the last one counts.
pub(crate) fn read(node: &Node, cluster: &Cluster, now: Timestamp) -> Option<ClusterNode> {
    let all = node.metadata.labels.as_ref()?;
    let group = all.get(&cluster.group_label)?.rsplit('.').next()?;
    let name = name(node)?;
    // Who has disabled it, and why, the platform knows better.
    let is_cordoned = is_cordoned(node)
        && all.get(labels::DISABLED).map(String::as_str) != Some(labels::CORDONED);
    let status = node.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref());
    let given = status.and_then(|status| status.allocatable.as_ref());
    let amount = |resource: &str| given.map_or(0, |given| milli(given, resource));
    let capacity = Capacity {
        millicpus: amount("cpu"),
        memory_bytes: amount("memory") / 1000,
        gpus: u32::try_from(amount(&cluster.gpu_resource) / 1000).unwrap_or(u32::MAX),
    };
    Some(ClusterNode {
        report: NodeReport {
            name: name.to_owned(),
            group: group.to_owned(),
            zone: all.get("topology.kubernetes.io/zone").cloned(),
            ready: !is_cordoned
                && !keeps_out(node, cluster)
                && is_ready(conditions.unwrap_or_default(), now),
            cpus: u32::try_from(capacity.millicpus / 1000).unwrap_or(u32::MAX),
            memory_bytes: capacity.memory_bytes,
            gpus: capacity.gpus,
        },
        capacity,
    })
}

fn is_cordoned(node: &Node) -> bool {
    node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true)
}

/// What of a node is to be changed, so that everybody sees whether it is out of use; none if it is as it should be, or not ours.
/// It is labelled and cordoned; what somebody else has cordoned stays so.
pub(crate) fn order(node: &Node, cluster: &Cluster, disabled: &[String]) -> Option<Value> {
    let all = node.metadata.labels.as_ref()?;
    all.get(&cluster.group_label)?;
    let name = name(node)?;
    let is_wanted = disabled.iter().any(|disabled| disabled == name);
    let label = |value: Option<&str>| json!({"labels": {labels::DISABLED: value}});
    match (is_wanted, all.get(labels::DISABLED).map(String::as_str)) {
        (true, None) if is_cordoned(node) => {
            Some(json!({"metadata": label(Some(labels::CORDONED_BEFORE))}))
        }
        (true, None) => Some(json!({
            "metadata": label(Some(labels::CORDONED)), "spec": {"unschedulable": true},
        })),
        (false, Some(labels::CORDONED)) => {
            Some(json!({"metadata": label(None), "spec": {"unschedulable": null}}))
        }
        (false, Some(_)) => Some(json!({"metadata": label(None)})),
        (true, Some(_)) | (false, None) => None,
    }
}

/// Whether a node has a taint in spite of which our pods may not be there. What the cluster says by taints of a node that is not
/// ready, or cordoned, it says otherwise too.
fn keeps_out(node: &Node, cluster: &Cluster) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().any(|taint| {
        let is_soft = taint.effect == "PreferNoSchedule";
        let is_of_cluster = taint.key.starts_with("node.kubernetes.io/");
        !is_soft && !is_of_cluster && !cluster.tolerations.contains(&taint.key)
    })
}

/// The name that pods are pinned to. Every kubelet gives its node one.
pub(crate) fn name(node: &Node) -> Option<&str> {
    let labels = node.metadata.labels.as_ref()?;
    labels.get(labels::HOSTNAME).map(String::as_str)
}

/// Nodes of which nothing was heard for so long that what runs there is given up. If that is more than half of all, it is
/// rather the cluster that hears nothing, and none is given up.
pub(crate) fn silent<'a>(
    nodes: impl Iterator<Item = &'a Node> + Clone,
    now: Timestamp,
    patience: Duration,
) -> BTreeSet<&'a str> {
    let n_nodes = nodes.clone().count();
    let silent: BTreeSet<&str> = nodes
        .filter(|node| silence(node, now) >= patience)
        .filter_map(name)
        .collect();
    match silent.len() > n_nodes / 2 && n_nodes > 1 {
        true => BTreeSet::new(),
        false => silent,
    }
}

/// How long a node has not been ready.
fn silence(node: &Node, now: Timestamp) -> Duration {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    let ready = conditions.find(|condition| condition.type_ == "Ready");
    let silent = ready.filter(|ready| ready.status != "True");
    let since = silent.and_then(|ready| ready.last_transition_time.as_ref());
    since.map_or(Duration::ZERO, |since| elapsed(since.0, now))
}

/// How long ago it was. What is yet to come, by another clock, was just now.
fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

/// Ready, or not for less than [`DEBOUNCE`]. A node that never said anything is not.
fn is_ready(conditions: &[NodeCondition], now: Timestamp) -> bool {
    let mut conditions = conditions.iter();
    let Some(ready) = conditions.find(|condition| condition.type_ == "Ready") else {
        return false;
    };
    let since = ready.last_transition_time.as_ref().map(|time| time.0);
    ready.status == "True" || since.is_some_and(|since| elapsed(since, now) < DEBOUNCE)
}

/// An amount in thousandths; 0 if there is none, or it cannot be read.
fn milli(amounts: &BTreeMap<String, Quantity>, resource: &str) -> u64 {
    let amount = amounts.get(resource).and_then(|Quantity(text)| parse(text));
    amount.unwrap_or_default()
}

/// A quantity in thousandths, by the grammar of Kubernetes: a number with a binary (`Ki` …), a decimal (`m`, `k`, `M` …)
/// or an exponential (`e3`) ending.
fn parse(text: &str) -> Option<u64> {
    const ENDINGS: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let ending = ENDINGS.iter().find(|(ending, _)| text.ends_with(ending));
    let (number, times) = match ending {
        Some((ending, times)) => (&text[..text.len() - ending.len()], *times),
        None => (text, 1.0),
    };
    let amount = number.parse::<f64>().ok()? * times * 1000.0;
    // Up to 2^53 thousandths are exact, which is nine terabytes: beyond it a byte does not matter.
    (amount.is_finite() && amount >= 0.0).then_some(amount.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn node(change: impl FnOnce(&mut serde_json::Value)) -> Option<ClusterNode> {
        let since = Timestamp::from_second(NOW - 60).unwrap();
        let mut object = json!({
            "metadata": {"name": "gpu-1.example", "labels": {
                "kubernetes.io/hostname": "gpu-1", "hai_mars_group": "meta.training",
                "topology.kubernetes.io/zone": "b"}},
            "spec": {},
            "status": {
                "allocatable": {"cpu": "63500m", "memory": "527954308Ki", "nvidia.com/gpu": "8"},
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": since}]},
        });
        change(&mut object);
        let node: Node = serde_json::from_value(object).unwrap();
        let now = Timestamp::from_second(NOW).unwrap();
        let cluster = Cluster {
            tolerations: vec!["nvidia.com/gpu".to_owned()],
            ..Cluster::new(String::new(), String::new(), String::new())
        };
        read(&node, &cluster, now)
    }

    fn is_ready(change: impl FnOnce(&mut serde_json::Value)) -> bool {
        node(change).unwrap().report.ready
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
        let read = node(|_| {}).unwrap();
        assert_eq!(read.report, expected);
        assert_eq!(read.capacity.millicpus, 63_500);
    }

    #[test]
    fn a_node_without_a_group_is_not_ours() {
        let foreign =
            node(|node| node["metadata"]["labels"] = json!({"kubernetes.io/hostname": "gpu-1"}));
        assert_eq!(foreign, None);
    }

    #[test]
    fn a_node_that_is_cordoned_or_unwell_for_a_while_is_not_ready() {
        assert!(!is_ready(|node| node["spec"]["unschedulable"] = json!(true)));
        for status in ["False", "Unknown"] {
            let unwell = |seconds: i64| {
                is_ready(|node| {
                    let condition = &mut node["status"]["conditions"][0];
                    condition["status"] = json!(status);
                    condition["lastTransitionTime"] =
                        json!(Timestamp::from_second(NOW - seconds).unwrap());
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
    fn a_node_that_is_silent_for_long_is_given_up_unless_most_are() {
        let now = Timestamp::from_second(NOW).unwrap();
        let cluster = |silent_for: &[i64]| {
            let numbered = silent_for.iter().enumerate();
            let node = numbered.map(|(number, seconds)| {
                let since = Timestamp::from_second(NOW - seconds).unwrap();
                let status = if *seconds > 0 { "Unknown" } else { "True" };
                let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": since});
                let node = json!({
                    "metadata": {"labels": {"kubernetes.io/hostname": format!("n{number}")}},
                    "status": {"conditions": [ready]}});
                serde_json::from_value::<Node>(node).unwrap()
            });
            let nodes: Vec<Node> = node.collect();
            let silent = silent(nodes.iter(), now, Duration::from_secs(60));
            silent.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(cluster(&[0, 59, 60]), ["n2"]);
        assert_eq!(cluster(&[60]), ["n0"]);
        assert_eq!(cluster(&[60, 60, 0, 0]), ["n0", "n1"]);
        assert!(cluster(&[60, 60, 0]).is_empty(), "it is not the nodes");
    }

    #[test]
    fn every_form_of_an_amount_is_understood() {
        for (text, thousandths) in [
            ("0", Some(0)),
            ("8", Some(8000)),
            ("100m", Some(100)),
            ("1.5", Some(1500)),
            ("2k", Some(2_000_000)),
            ("1Ki", Some(1_024_000)),
            ("1e3", Some(1_000_000)),
            ("128M", Some(128_000_000_000)),
            ("1500u", Some(2)),
            ("", None),
            ("-1", None),
            ("many", None),
        ] {
            assert_eq!(parse(text), thousandths, "{text}");
        }
    }
}
