//! `nodes`.

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform},
    program::Machine,
};

fn node(name: &str, zone: Option<&str>, status: &str, task: Value) -> Value {
    json!({
        "name": name, "group": "training", "zone": zone, "status": status, "cpus": 8,
        "memoryBytes": 17_179_869_184_u64, "gpus": 4, "task": task,
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
            "clusterOverview": { "queuedTasks": 0, "runningTasks": 1, "groups": [
                { "name": "training", "nodes": 3, "ready": 2, "free": 1, "working": 1 },
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
        "n1    working    training  a     8     16 GiB  4     7 train.py (ada)\n",
        "n2    ready      training  a ",
        "n3    not ready  training  b ",
    ] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    let tree = "\
training (3 nodes: 2 ready, 1 working, 1 free)
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
