//! What guests see of nodes through the schema.

use chrono::TimeDelta;
use domain::auth::{Actor, sign_in};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::testing::TestApi;

/// The token of a new guest, and him signed in.
async fn guest(api: &TestApi) -> (String, Actor) {
    let create = r#"mutation { createUser(input: { name: "guest", role: EXTERNAL, sharedGroup: "guests" }) { token } }"#;
    let made = api.root(create, json!({})).await;
    let token = made["createUser"]["token"].as_str().unwrap().to_owned();
    let app = &api.platform.app;
    let actor = sign_in(app.reader(), app.now(), &token).await.unwrap();
    (token, actor)
}

const ALL: &str = "query ($id: ID!) {
    nodes { edges { cursor node { name task { id } } } }
    task(id: $id) {
        wait { message }
        currentRun { message startMessage pods { node message } }
        runs { nodes { message startMessage pods { node message } } }
    }
}";

#[tokio::test]
async fn a_guest_follows_his_task_by_the_mask_of_its_node_and_never_reads_its_name() {
    let api = TestApi::with_nodes(2).await;
    let (token, guest) = guest(&api).await;
    let platform = &api.platform;
    let task = platform.submit_document(&guest, platform.document("mine", 1));
    let id = task.await.unwrap().id;
    platform.bring_up(id).await;
    // The hardware is to blame, so that the next run names the node that it is not on.
    let agent = platform.agent(id, 0).await;
    let graces = &platform.app.settings.graces;
    platform
        .write(async |tx| {
            domain::run::report_failure(tx, &agent, false, "a bad cable", graces).await
        })
        .await
        .unwrap();
    platform.exit(id, 0, 3).await;
    platform.settle().await;
    platform.clock.advance(TimeDelta::minutes(6));
    platform.settle().await;
    let variables = json!({ "id": id.0.to_string() });

    let as_root = api.root(ALL, variables.clone()).await;
    let told = as_root["task"]["currentRun"]["startMessage"].as_str();
    assert!(told.unwrap().contains("but not on node-"), "{as_root:#}");

    let mut seen = api.ask(Some(&token), ALL, variables.clone()).await;
    assert!(seen.get("errors").is_none(), "{seen:#}");
    let seen = seen["data"].take();
    let text = seen.to_string();
    for name in ["node-1", "node-2"] {
        assert!(as_root.to_string().contains(name), "{name} is not shown");
        let is_named = text.match_indices(name).any(|(at, _)| {
            // A mask may begin so, too.
            let next = text.as_bytes().get(at + name.len());
            !next.is_some_and(u8::is_ascii_hexdigit)
        });
        assert!(!is_named, "{seen:#}");
    }
    for edge in seen["nodes"]["edges"].as_array().unwrap() {
        let masked = crate::id::List::Nodes.cursor(edge["node"]["name"].as_str().unwrap());
        assert_eq!(edge["cursor"], json!(masked), "a cursor holds no name");
    }
    let here = &seen["task"]["currentRun"]["pods"][0]["node"];
    let edges = seen["nodes"]["edges"].as_array().unwrap();
    let mut nodes = edges.iter().map(|edge| &edge["node"]);
    let node = nodes.find(|node| node["name"] == *here).unwrap();
    assert_eq!(node["task"]["id"], variables["id"], "his own task is on it");
    let first = &seen["task"]["runs"]["nodes"][1];
    let left = first["pods"][0]["node"].as_str().unwrap();
    let told = seen["task"]["currentRun"]["startMessage"].as_str().unwrap();
    assert!(told.ends_with(&format!("but not on {left}")), "{told}");
    let told = first["message"].as_str().unwrap();
    assert!(
        told.contains(&format!("rank 0 on {left}: a bad cable")),
        "{told}"
    );

    let follow =
        "subscription ($id: ID!) { taskChanged(id: $id) { currentRun { pods { node } } } }";
    let state = api
        .follow_as(&token, follow, variables)
        .next()
        .await
        .unwrap();
    let followed = &state["data"]["taskChanged"]["currentRun"]["pods"][0]["node"];
    assert_eq!(followed, here);
}

#[tokio::test]
async fn a_guest_is_refused_what_became_of_nodes_and_cannot_change_them() {
    let api = TestApi::with_nodes(1).await;
    let (token, _) = guest(&api).await;
    for operation in [
        r#"{ nodeStates(node: "node-1") { totalCount } }"#,
        r#"{ taskOnNode(node: "node-1") { task } }"#,
        r#"mutation { disableNode(input: { name: "node-1", why: "x" }) { name } }"#,
    ] {
        let answer = api.ask(Some(&token), operation, json!({})).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(*code, Value::from("FORBIDDEN"), "{operation}");
    }
}
