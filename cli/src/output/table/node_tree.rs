//! The nodes of the cluster as a tree of groups, zones and nodes.

use std::collections::BTreeMap;

use super::node::{holder, status};
use crate::operations::{Node, NodeGroup};

/// Groups below groups, their zones, and the nodes in them. Nodes without a zone follow the zones of their group.
pub(crate) fn node_tree(nodes: &[Node], groups: &[NodeGroup], ascii: bool) -> String {
    let forest = Forest { nodes, groups };
    let lines = Lines { ascii };
    let mut text = String::new();
    for root in forest.below(None) {
        text += &root.line;
        text.push('\n');
        lines.add(&mut text, "", &root.branches);
    }
    text
}

/// A line and what hangs on it.
struct Branch {
    line: String,
    branches: Vec<Branch>,
}

impl Branch {
    fn leaf(node: &Node) -> Self {
        let word = status(node).0;
        Self {
            line: match holder(node) {
                Some(holder) => format!("{}  {word}  {holder}", node.name),
                None => format!("{}  {word}", node.name),
            },
            branches: Vec::new(),
        }
    }
}

struct Forest<'a> {
    nodes: &'a [Node],
    groups: &'a [NodeGroup],
}

impl Forest<'_> {
    /// The levels below a path. The platform says that a level stands behind the one above it, so this comes to an end.
    fn below(&self, path: Option<&str>) -> Vec<Branch> {
        let levels = self.groups.iter();
        let levels = levels.filter(|level| level.parent.as_deref() == path);
        levels.map(|level| self.level(level)).collect()
    }

    fn level(&self, level: &NodeGroup) -> Branch {
        let mut branches = self.below(Some(&level.path));
        let mut zones: BTreeMap<Option<&str>, Vec<&Node>> = BTreeMap::new();
        for node in self.nodes {
            if node.group_path == level.path {
                zones.entry(node.zone.as_deref()).or_default().push(node);
            }
        }
        let loose = zones.remove(&None).unwrap_or_default();
        for (zone, nodes) in zones {
            let size = match nodes.len() {
                1 => "1 node".to_owned(),
                n => format!("{n} nodes"),
            };
            branches.push(Branch {
                line: format!("{} ({size})", zone.unwrap_or_default()),
                branches: nodes.into_iter().map(Branch::leaf).collect(),
            });
        }
        branches.extend(loose.into_iter().map(Branch::leaf));
        Branch {
            line: level.name.clone() + &numbers(level),
            branches,
        }
    }
}

fn numbers(level: &NodeGroup) -> String {
    let disabled = match level.disabled {
        0 => String::new(),
        n => format!(", {n} disabled"),
    };
    format!(
        " ({} nodes: {} ready, {} working, {} free{disabled})",
        level.nodes, level.ready, level.working, level.free
    )
}

/// The lines of a tree.
struct Lines {
    ascii: bool,
}

impl Lines {
    fn add(&self, text: &mut String, before: &str, branches: &[Branch]) {
        for (at, branch) in branches.iter().enumerate() {
            let is_last = at + 1 == branches.len();
            *text += &format!("{before}{}{}\n", self.fork(is_last), branch.line);
            let before = before.to_owned() + self.trunk(is_last);
            self.add(text, &before, &branch.branches);
        }
    }

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

#[cfg(test)]
mod tests {
    use super::super::node::tests::nodes;
    use super::*;

    #[test]
    fn a_tree_has_groups_below_groups_zones_and_nodes() {
        let level = |path: &str, parent: Option<&str>, disabled| NodeGroup {
            path: path.to_owned(),
            name: path.rsplit('.').next().unwrap_or_default().to_owned(),
            parent: parent.map(str::to_owned),
            is_group: path != "meta",
            nodes: 3,
            ready: 2,
            free: 1,
            working: 1,
            disabled,
        };
        let groups = [
            level("debug", None, 1),
            level("meta", None, 0),
            level("meta.training", Some("meta"), 0),
        ];
        let expected = "\
debug (3 nodes: 2 ready, 1 working, 1 free, 1 disabled)
├── b (1 node)
│   └── n4  ready
└── n5  disabled  7 train.py (ada)
meta (3 nodes: 2 ready, 1 working, 1 free)
└── training (3 nodes: 2 ready, 1 working, 1 free)
    ├── a (2 nodes)
    │   ├── n1  working  7 train.py (ada)
    │   └── n2  ready
    └── n3  not ready
";
        assert_eq!(node_tree(&nodes(), &groups, false), expected);
        assert!(node_tree(&nodes(), &groups, true).is_ascii());
    }
}
