//! The nodes of the cluster, one a line.

use comfy_table::{Cell, Color, Row};

use super::frame::table;
use crate::{
    operations::{Node, NodeStatus},
    output::Look,
};

/// Where the tasks are in a table of nodes.
const TASK: usize = 8;
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
            Cell::new(flags(node)),
            Cell::new(holder(node).unwrap_or_else(|| "-".to_owned())),
        ])
    });
    let header = [
        "node", "status", "group", "zone", "cpus", "memory", "gpus", "flags", "task",
    ];
    table(header, TASK, rows, look)
}

fn flags(node: &Node) -> String {
    match node.flags.as_slice() {
        [] => "-".to_owned(),
        flags => flags.join(" "),
    }
}

/// The task that holds it, and whose it is.
pub(super) fn holder(node: &Node) -> Option<String> {
    let task = node.task.as_ref()?;
    let id = task.id.inner();
    Some(format!("{id} {} ({})", task.name, task.user.name))
}

/// In a word, with its colour.
pub(super) fn status(node: &Node) -> (String, Color) {
    if node.disabled.is_some() {
        return ("disabled".to_owned(), Color::Red);
    }
    match (&node.status, &node.task) {
        (NodeStatus::NotReady, _) => ("not ready".to_owned(), Color::Red),
        (_, Some(_)) => ("working".to_owned(), Color::Yellow),
        (NodeStatus::Ready, None) => ("ready".to_owned(), Color::Blue),
        (NodeStatus::Other(word), None) => (word.to_lowercase(), Color::Reset),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(in crate::output::table) fn nodes() -> Vec<Node> {
        let node = |name: &str, path: &str, zone: Option<&str>, status: &str, task| {
            let (_, group) = path.rsplit_once('.').unwrap_or(("", path));
            let node = json!({
                "name": name, "group": group, "groupPath": path, "zone": zone, "status": status,
                "disabled": null, "reason": null, "flags": [], "cpus": 64,
                "memoryBytes": 512 * GIB, "gpus": 8, "task": task,
            });
            serde_json::from_value(node).unwrap()
        };
        let task = || json!({ "id": "7", "name": "train.py", "user": { "name": "ada" } });
        let mut nodes: Vec<Node> = vec![
            node("n1", "meta.training", Some("a"), "READY", task()),
            node("n2", "meta.training", Some("a"), "READY", Value::Null),
            node("n3", "meta.training", None, "NOT_READY", Value::Null),
            node("n4", "debug", Some("b"), "READY", Value::Null),
            node("n5", "debug", None, "READY", task()),
        ];
        let disabled = json!({ "at": "2026-11-27T10:00:00Z", "by": "ada", "why": "fan" });
        nodes[4].disabled = serde_json::from_value(disabled).unwrap();
        nodes[4].flags = vec!["a100".to_owned(), "ib".to_owned()];
        nodes
    }

    #[test]
    fn a_table_shows_status_size_flags_and_holder() {
        let look = Look {
            width: None,
            colour: false,
        };
        let text = node_table(&nodes(), look);
        let lines: Vec<&str> = text.lines().collect();
        let expected =
            "n1    working    training  a     64    512 GiB  8     -        7 train.py (ada)";
        assert_eq!(lines[2], expected, "{text}");
        assert!(
            lines[4].starts_with("n3    not ready  training  -     64"),
            "{text}"
        );
        let expected =
            "n5    disabled   debug     -     64    512 GiB  8     a100 ib  7 train.py (ada)";
        assert_eq!(lines[6], expected, "{text}");
    }
}
