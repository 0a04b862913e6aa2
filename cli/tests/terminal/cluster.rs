//! `nodes` and `node`.

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform},
    program::Machine,
};

fn node(name: &str, zone: Option<&str>, status: &str, task: Value) -> Value {
    json!({
        "name": name, "group": "training", "groupPath": "meta.training", "zone": zone, "status": status,
        "disabled": null, "reason": null, "flags": ["ib"], "cpus": 8, "memoryBytes": 17_179_869_184_u64,
        "gpus": 4, "task": task,
    })
}

fn level(path: &str, parent: Option<&str>) -> Value {
    json!({
        "path": path, "name": path.rsplit('.').next(), "parent": parent, "isGroup": parent.is_some(),
        "nodes": 3, "ready": 2, "free": 1, "working": 1, "disabled": 0,
    })
}

/// Three nodes, which come in two pages.
fn three_nodes() -> Platform {
    Platform::start(|asked| {
        assert_eq!(asked.name, "ListNodes");
        let task = json!({ "id": "7", "name": "train.py", "user": { "name": "ada" } });
        let (nodes, has_next) = match asked.variables.get("after").and_then(Value::as_str) {
            None => {
                let first = node("n1", Some("a"), "READY", task);
                let second = node("n2", Some("a"), "READY", Value::Null);
                (vec![first, second], true)
            }
            Some("c") => (vec![node("n3", Some("b"), "NOT_READY", Value::Null)], false),
            Some(other) => panic!("{other}"),
        };
        Answer::Data(json!({
            "nodes": { "nodes": nodes, "pageInfo": { "hasNextPage": has_next, "endCursor": "c" } },
            "nodeGroups": [level("meta", None), level("meta.training", Some("meta"))],
            "clusterOverview": { "queuedTasks": 0, "runningTasks": 1, "groups": [
                { "name": "training", "nodes": 3, "ready": 2, "free": 1, "working": 1, "disabled": 0 },
            ] },
        }))
    })
}

#[test]
fn nodes_are_a_table_a_tree_or_json() {
    let machine = Machine::logged_in(&three_nodes());
    let ended = machine.run(&["nodes"]);
    let shown = ended.succeeds();
    for part in [
        "n1    working    training  a     8     16 GiB  4     ib     7 train.py (ada)\n",
        "n2    ready      training  a ",
        "n3    not ready  training  b ",
    ] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    let tree = "\
meta (3 nodes: 2 ready, 1 working, 1 free)
`-- training (3 nodes: 2 ready, 1 working, 1 free)
    |-- a (2 nodes)
    |   |-- n1  working  7 train.py (ada)
    |   `-- n2  ready
    `-- b (1 node)
        `-- n3  not ready
";
    assert_eq!(
        machine.run(&["nodes", "--tree", "--ascii"]).succeeds(),
        tree
    );
    let ended = machine.run(&["nodes", "-j"]);
    let shown: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(shown["nodes"][2]["status"], "NOT_READY");
    assert_eq!(shown["nodes"][0]["task"]["user"]["name"], "ada");
    assert_eq!(shown["overview"]["groups"][0]["free"], 1);
}

/// A node that can be disabled, and was.
fn one_node() -> Platform {
    Platform::start(|asked| {
        let input = asked.variables.get("input").unwrap_or(&Value::Null);
        let mut changed = node("n1", None, "READY", Value::Null);
        Answer::Data(match asked.name.as_str() {
            "DisableNode" => {
                changed["disabled"] =
                    json!({ "at": "2026-11-27T10:00:00Z", "by": "ada", "why": input["why"] });
                json!({ "disableNode": changed })
            }
            "EnableNode" => json!({ "enableNode": changed }),
            "ListNodeStates" => {
                let state = json!({
                    "at": "2026-11-27T10:00:00Z", "state": "NOT_READY", "by": null, "why": "silent",
                });
                json!({ "nodeStates": { "nodes": [state] } })
            }
            "FindTaskOnNode" => {
                let found = json!({
                    "task": "7", "name": "train.py", "user": "ada", "run": 2, "rank": 1,
                    "from": "2026-11-27T10:00:00Z", "until": null,
                });
                let was_one = asked.variables["node"] == "n1";
                json!({ "taskOnNode": was_one.then_some(found) })
            }
            other => panic!("{other}"),
        })
    })
}

#[test]
fn a_node_is_disabled_with_a_reason_and_enabled() {
    let platform = one_node();
    let machine = Machine::logged_in(&platform);
    let ended = machine.run(&["node", "disable", "n1", "--why", "fan 3", "--suspend-task"]);
    let shown = ended.succeeds();
    assert!(shown.contains("n1    disabled  training"), "{shown}");
    let asked = platform.asked_for("DisableNode");
    let expected = json!({ "name": "n1", "why": "fan 3", "suspendTask": true });
    assert_eq!(asked[0].variables["input"], expected);
    let ended = machine.run(&["node", "enable", "n1", "--json"]);
    let shown: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(shown["disabled"], Value::Null);
}

#[test]
fn what_became_of_a_node_and_who_was_on_it_is_told() {
    let machine = Machine::logged_in(&one_node());
    let ended = machine.run(&["node", "history", "n1"]);
    let shown = ended.succeeds();
    assert!(shown.contains("not ready  -   silent"), "{shown}");
    let ended = machine.run(&["node", "task-at", "n1", "2h"]);
    let shown = ended.succeeds();
    let expected =
        "rank 1 of run 2 of task 7 train.py (ada), from 2026-11-27 10:00:00 and still is";
    assert!(shown.starts_with(expected), "{shown}");
    let ended = machine.run(&["node", "task-at", "n2"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("no task was on it"), "{}", ended.err);
}
