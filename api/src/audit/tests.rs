//! Who did what, through the schema.

use serde_json::{Value, json};

use crate::testing::{TestApi, refusal};

const LOG: &str = "query ($filter: AuditFilter, $first: Int, $after: String) {
    auditLog(filter: $filter, first: $first, after: $after) {
        nodes { actor user action object outcome } pageInfo { hasNextPage endCursor }
    }
}";

async fn log(api: &TestApi, variables: Value) -> Value {
    let mut answer = api.root(LOG, variables).await;
    answer["auditLog"].take()
}

/// What was done, as `action object outcome`, the newest first.
async fn told(api: &TestApi, filter: Value) -> Vec<String> {
    let log = log(api, json!({ "filter": filter })).await;
    let nodes = log["nodes"].as_array().unwrap();
    let tell = |node: &Value| {
        let texts =
            ["user", "action", "object", "outcome"].map(|field| node[field].as_str().unwrap());
        texts.join(" ")
    };
    nodes.iter().map(tell).collect()
}

const STOP: &str = "mutation ($id: ID!) { stopTask(id: $id) { id } }";

#[tokio::test]
async fn what_people_do_is_told_with_its_outcome_and_what_they_get_wrong_is_not() {
    let api = TestApi::with_nodes(1).await;
    let (_, stranger) = api.platform.user("stranger").await;
    let id = api.platform.submit("t", 1).await.id;
    let variables = json!({ "id": id.to_string() });
    api.root(STOP, variables.clone()).await;
    let refused = api.refusal(&stranger, STOP, variables).await;
    assert_eq!(refused.code, "NOT_FOUND");
    let wrong = "mutation { createUser(input: { name: \"9\" }) { token } }";
    api.refusal(&api.platform.root_token, wrong, json!({}))
        .await;
    let right = "mutation { createUser(input: { name: \"ana\" }) { token } }";
    api.root(right, json!({})).await;
    api.refusal(&stranger, right, json!({})).await;
    let expected = [
        "stranger createUser user ana FORBIDDEN",
        "admin createUser user ana OK",
        &format!("stranger stopTask task {id} NOT_FOUND"),
        &format!("admin stopTask task {id} OK"),
    ];
    assert_eq!(told(&api, json!({})).await, expected);
    assert_eq!(
        told(&api, json!({ "user": "stranger", "outcome": "FORBIDDEN" })).await,
        expected[..1]
    );
    assert_eq!(
        told(&api, json!({ "object": format!("task {id}") })).await,
        expected[2..]
    );
    assert_eq!(
        told(&api, json!({ "actions": ["createUser"] })).await,
        expected[..2]
    );
}

#[tokio::test]
async fn pages_of_the_log_follow_each_other_and_only_root_reads_them() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    for _ in 0..3 {
        api.root(STOP, json!({ "id": id.to_string() })).await;
    }
    let first = log(&api, json!({ "first": 2 })).await;
    assert_eq!(first["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let after = first["pageInfo"]["endCursor"].clone();
    let second = log(&api, json!({ "first": 2, "after": after })).await;
    assert_eq!(second["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    let (_, stranger) = api.platform.user("stranger").await;
    let refused = api.ask(Some(stranger.reveal()), LOG, json!({})).await;
    assert_eq!(refusal(&refused).code, "FORBIDDEN");
}
