//! The nodes of the cluster: a table, or a tree of groups and zones.

use std::collections::BTreeMap;

use comfy_table::{Cell, Color, Row};

use super::frame::table;
use crate::{
    operations::{GroupOverview, Node, NodeStatus},
    output::Look,
};

/// Where the tasks are in a table of nodes.
const TASK: usize = 7;
const GIB: i64 = 1 << 30;

/// Nodes, one a line.
pub(crate) fn node_table(nodes: &[Node], look: Look) -> String {
    let rows = nodes.iter().map(|node| {
        let (word, colour) = status(node);
        Row::from([
            Cell::new(&node.name),
            Cell::new(word).fg(colour),
            Cell::new(&node.group),
            Cell::new(node.zone.as_deref().unwrap_or("-")),
            Cell::new(node.cpus),
            Cell::new(format!("{} GiB", node.memory_bytes / GIB)),
            Cell::new(node.gpus),
            Cell::new(holder(node).unwrap_or_else(|| "-".to_owned())),
        ])
    });
    let header = [
        "node", "status", "group", "zone", "cpus", "memory", "gpus", "task",
    ];
    table(header, TASK, rows, look)
}

/// Groups, their zones, and the nodes in them. Nodes without a zone follow the zones of their group.
pub(crate) fn node_tree(nodes: &[Node], groups: &[GroupOverview], ascii: bool) -> String {
    let mut by_group: BTreeMap<&str, BTreeMap<Option<&str>, Vec<&Node>>> = BTreeMap::new();
    for node in nodes {
        let zones = by_group.entry(&node.group).or_default();
        zones.entry(node.zone.as_deref()).or_default().push(node);
    }
    let mut text = String::new();
    for (group, mut zones) in by_group {
        let overview = groups.iter().find(|overview| overview.name == group);
        text += &format!("{group}{}\n", overview.map(numbers).unwrap_or_default());
        let loose = zones.remove(&None).unwrap_or_default();
        let n_branches = zones.len() + loose.len();
        let branches = Branches { ascii };
        for (at, (zone, nodes)) in zones.iter().enumerate() {
            let is_last = at + 1 == n_branches;
            let zone = zone.unwrap_or_default();
            let size = match nodes.len() {
                1 => "1 node".to_owned(),
                n => format!("{n} nodes"),
            };
            text += &format!("{}{zone} ({size})\n", branches.fork(is_last));
            for (at, node) in nodes.iter().enumerate() {
                let fork = branches.fork(at + 1 == nodes.len());
                text += &format!("{}{fork}{}\n", branches.trunk(is_last), leaf(node));
            }
        }
        for (at, node) in loose.iter().enumerate() {
            let is_last = zones.len() + at + 1 == n_branches;
            text += &format!("{}{}\n", branches.fork(is_last), leaf(node));
        }
    }
    text
}

/// The lines of a tree.
struct Branches {
    ascii: bool,
}

impl Branches {
    fn fork(&self, is_last: bool) -> &'static str {
        match (self.ascii, is_last) {
            (true, false) => "|-- ",
            (true, true) => "`-- ",
            (false, false) => "├── ",
            (false, true) => "└── ",
        }
    }

    fn trunk(&self, is_last: bool) -> &'static str {
        match (self.ascii, is_last) {
            (_, true) => "    ",
            (true, false) => "|   ",
            (false, false) => "│   ",
        }
    }
}

fn numbers(group: &GroupOverview) -> String {
    format!(
        " ({} nodes: {} ready, {} working, {} free)",
        group.nodes, group.ready, group.working, group.free
    )
}

fn leaf(node: &Node) -> String {
    match holder(node) {
        Some(holder) => format!("{}  {}  {holder}", node.name, status(node).0),
        None => format!("{}  {}", node.name, status(node).0),
    }
}

/// The task that holds it, and whose it is.
fn holder(node: &Node) -> Option<String> {
    let task = node.task.as_ref()?;
    let id = task.id.inner();
    Some(format!("{id} {} ({})", task.name, task.user.name))
}

fn status(node: &Node) -> (String, Color) {
    match (&node.status, &node.task) {
        (NodeStatus::NotReady, _) => ("not ready".to_owned(), Color::Red),
        (_, Some(_)) => ("working".to_owned(), Color::Yellow),
        (NodeStatus::Ready, None) => ("ready".to_owned(), Color::Blue),
        (NodeStatus::Other(word), None) => (word.to_lowercase(), Color::Reset),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nodes() -> Vec<Node> {
        let node = |name: &str, group: &str, zone: Option<&str>, status: &str, task| {
            let node = json!({
                "name": name, "group": group, "zone": zone, "status": status, "cpus": 64,
                "memoryBytes": 512 * GIB, "gpus": 8, "task": task,
            });
            serde_json::from_value(node).unwrap()
        };
        let task = json!({ "id": "7", "name": "train.py", "user": { "name": "ada" } });
        vec![
            node("n1", "training", Some("a"), "READY", task),
            node("n2", "training", Some("a"), "READY", json!(null)),
            node("n3", "training", None, "NOT_READY", json!(null)),
            node("n4", "debug", Some("b"), "READY", json!(null)),
        ]
    }

    #[test]
    fn a_table_shows_status_size_and_holder() {
        let look = Look {
            width: None,
            colour: false,
        };
        let text = node_table(&nodes(), look);
        let lines: Vec<&str> = text.lines().collect();
        let expected = "n1    working    training  a     64    512 GiB  8     7 train.py (ada)";
        assert_eq!(lines[2], expected, "{text}");
        assert!(
            lines[4].starts_with("n3    not ready  training  -     64"),
            "{text}"
        );
    }

    #[test]
    fn a_tree_has_groups_zones_and_nodes() {
        let group = GroupOverview {
            name: "training".to_owned(),
            nodes: 3,
            ready: 2,
            free: 1,
            working: 1,
        };
        let expected = "\
debug
└── b (1 node)
    └── n4  ready
training (3 nodes: 2 ready, 1 working, 1 free)
├── a (2 nodes)
│   ├── n1  working  7 train.py (ada)
│   └── n2  ready
└── n3  not ready
";
        let groups = [group];
        assert_eq!(node_tree(&nodes(), &groups, false), expected);
        assert!(node_tree(&nodes(), &groups, true).is_ascii());
    }
}
