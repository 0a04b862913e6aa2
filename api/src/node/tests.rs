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
