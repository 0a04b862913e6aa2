//! Nodes through the schema.

use serde_json::{Value, json};

use crate::testing::TestApi;

#[tokio::test]
async fn nodes_come_in_pages_by_name() {
    let api = TestApi::with_nodes(3).await;
    let query = "query ($after: String) { nodes(first: 2, after: $after) {
        edges { cursor node { name group zone status cpus memoryBytes gpus task { id } } }
        totalCount pageInfo { hasNextPage endCursor }
    } }";
    let first = api.root(query, json!({})).await["nodes"].take();
    assert_eq!(
        first["edges"][0]["node"],
        json!({
            "name": "node-1", "group": "training", "zone": null, "status": "READY", "cpus": 8,
            "memoryBytes": 8_589_934_592_i64, "gpus": 0, "task": null,
        })
    );
    assert_eq!(first["totalCount"], 3);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let after = &first["pageInfo"]["endCursor"];
    assert_eq!(*after, first["edges"][1]["cursor"]);
    let second = api.root(query, json!({ "after": after })).await["nodes"].take();
    assert_eq!(second["edges"].as_array().unwrap().len(), 1);
    assert_eq!(second["edges"][0]["node"]["name"], "node-3");
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn a_filter_leaves_the_nodes_that_match() {
    let api = TestApi::with_nodes(2).await;
    api.platform.runtime.set_ready("node-2", false);
    api.platform.settle().await;
    let query =
        "query ($filter: NodeFilter) { nodes(filter: $filter) { nodes { name } totalCount } }";
    for (filter, expected) in [
        (json!({}), vec!["node-1", "node-2"]),
        (json!({ "status": "NOT_READY" }), vec!["node-2"]),
        (
            json!({ "status": "READY", "group": "training" }),
            vec!["node-1"],
        ),
        (json!({ "group": "elsewhere" }), vec![]),
    ] {
        let nodes = api.root(query, json!({ "filter": filter })).await["nodes"].take();
        let found = nodes["nodes"].as_array().unwrap();
        let names: Vec<&Value> = found.iter().map(|node| &node["name"]).collect();
        assert_eq!(names, expected, "{filter}");
        assert_eq!(nodes["totalCount"], expected.len());
    }
}

#[tokio::test]
async fn a_node_shows_its_task_to_those_who_may_see_it() {
    let api = TestApi::with_nodes(1).await;
    let (_, stranger) = api.platform.user("stranger").await;
    api.platform.submit("t", 1).await;
    api.platform.settle().await;
    let query = "{ nodes { nodes { task { name } } } }";
    let seen = api.root(query, json!({})).await;
    assert_eq!(seen["nodes"]["nodes"][0]["task"]["name"], "t");
    let seen = api.data(&stranger, query, json!({})).await;
    assert_eq!(seen["nodes"]["nodes"][0]["task"], Value::Null);
}

#[tokio::test]
async fn the_overview_counts_nodes_and_tasks() {
    let api = TestApi::with_nodes(3).await;
    api.platform.runtime.set_ready("node-3", false);
    api.platform.submit("running", 1).await;
    api.platform.submit("waiting", 3).await;
    api.platform.settle().await;
    let query =
        "{ clusterOverview { groups { name nodes ready free working } queuedTasks runningTasks } }";
    assert_eq!(
        api.root(query, json!({})).await["clusterOverview"],
        json!({
            "groups": [{ "name": "training", "nodes": 3, "ready": 2, "free": 1, "working": 1 }],
            "queuedTasks": 1,
            "runningTasks": 1,
        })
    );
}

#[tokio::test]
async fn a_node_is_disabled_and_enabled_and_its_history_says_by_whom_and_why() {
    let api = TestApi::with_nodes(1).await;
    let disable = r#"mutation { disableNode(input: { name: "node-1", why: "fan 3" }) {
        name status disabled { by why } reason
    } }"#;
    let disabled = api.root(disable, json!({})).await["disableNode"].take();
    assert_eq!(
        disabled,
        json!({
            "name": "node-1", "status": "READY", "disabled": { "by": "admin", "why": "fan 3" },
            "reason": "admin has disabled it: fan 3",
        })
    );
    let again = api
        .refusal(&api.platform.root_token, disable, json!({}))
        .await;
    assert_eq!(again.code, "CONFLICT");
    let enable = r#"mutation { enableNode(input: { name: "node-1" }) { disabled { by } reason } }"#;
    let enabled = api.root(enable, json!({})).await["enableNode"].take();
    assert_eq!(enabled, json!({ "disabled": null, "reason": null }));
    let states = r#"query ($after: String) { nodeStates(node: "node-1", first: 2, after: $after) {
        nodes { state by why } totalCount pageInfo { hasNextPage endCursor }
    } }"#;
    let first = api.root(states, json!({})).await["nodeStates"].take();
    assert_eq!(
        first["nodes"],
        json!([
            { "state": "ENABLED", "by": "admin", "why": null },
            { "state": "DISABLED", "by": "admin", "why": "fan 3" },
        ])
    );
    assert_eq!(first["totalCount"], 3);
    let after = json!({ "after": first["pageInfo"]["endCursor"] });
    let second = api.root(states, after).await["nodeStates"].take();
    assert_eq!(second["nodes"][0]["state"], "READY");
    let log =
        r#"{ auditLog(filter: { object: "node node-1" }) { nodes { action detail outcome } } }"#;
    let log = api.root(log, json!({})).await["auditLog"]["nodes"].take();
    assert_eq!(
        log,
        json!([
            { "action": "enableNode", "detail": "", "outcome": "OK" },
            { "action": "disableNode", "detail": "fan 3", "outcome": "OK" },
        ])
    );
}

#[tokio::test]
async fn a_host_is_described_without_losing_what_is_not_named() {
    let api = TestApi::with_nodes(1).await;
    let create = r#"mutation { createHost(input: { name: "new", group: "meta.big", flags: ["a", "b"], leaf: "l1" }) {
        group groupPath flags leaf kind purpose status reason
    } }"#;
    let made = api.root(create, json!({})).await["createHost"].take();
    let expected = json!({
        "group": "big", "groupPath": "meta.big", "flags": ["a", "b"], "leaf": "l1", "kind": "gpu",
        "purpose": "training", "status": "NOT_READY",
        "reason": "it is in the inventory, but the runtime has never reported it",
    });
    assert_eq!(made, expected);
    let update = r#"mutation { updateHost(input: { name: "new", leaf: null, spine: "s" }) { flags leaf spine } }"#;
    let changed = api.root(update, json!({})).await["updateHost"].take();
    assert_eq!(
        changed,
        json!({ "flags": ["a", "b"], "leaf": null, "spine": "s" })
    );
    let groups = "{ nodeGroups { path parent isGroup nodes ready free working disabled } }";
    let groups = api.root(groups, json!({})).await["nodeGroups"].take();
    let level = |path: &str, parent: Option<&str>, is_group: bool, ready: i32| {
        json!({
            "path": path, "parent": parent, "isGroup": is_group, "nodes": 1, "ready": ready,
            "free": ready, "working": 0, "disabled": 0,
        })
    };
    let expected = json!([
        level("meta", None, false, 0),
        level("meta.big", Some("meta"), true, 0),
        level("training", None, true, 1),
    ]);
    assert_eq!(groups, expected);
    let delete = r#"mutation { deleteHost(input: { name: "new" }) { name } }"#;
    let gone = api.root(delete, json!({})).await["deleteHost"].take();
    assert_eq!(gone["name"], "new");
    let wrong = r#"mutation { updateHost(input: { name: "node-1", flags: ["a b"] }) { name } }"#;
    let wrong = api
        .refusal(&api.platform.root_token, wrong, json!({}))
        .await;
    assert_eq!(
        (&*wrong.code, wrong.field.as_deref()),
        ("INVALID_INPUT", Some("flags.0"))
    );
}

#[tokio::test]
async fn the_task_on_a_node_is_told_with_its_owner() {
    let api = TestApi::with_nodes(1).await;
    let asked = r#"{ taskOnNode(node: "node-1") { task name user run rank until } }"#;
    assert_eq!(api.root(asked, json!({})).await["taskOnNode"], Value::Null);
    api.platform.submit("t", 1).await;
    api.platform.settle().await;
    assert_eq!(
        api.root(asked, json!({})).await["taskOnNode"],
        json!({ "task": "1", "name": "t", "user": "admin", "run": 1, "rank": 0, "until": null })
    );
}
