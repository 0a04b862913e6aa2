//! Users and the platform itself through the schema.

use serde_json::json;

use crate::testing::TestApi;

const CREATE: &str = "mutation ($input: CreateUserInput!) {
    createUser(input: $input) { user { name role uid active groups } token }
}";

#[tokio::test]
async fn everybody_sees_himself() {
    let api = TestApi::with_nodes(1).await;
    let query = "{ me { name role uid active groups quotas { group priority used limit } mounts { path readOnly } } }";
    let me = api.root(query, json!({})).await["me"].take();
    assert_eq!(me["name"], "admin");
    assert_eq!(me["uid"], 1000);
    assert_eq!(me["groups"], json!(["internal", "public", "admin", "root"]));
    assert_eq!(me["quotas"].as_array().map(Vec::len), Some(8));
    let highest =
        json!({ "group": "training", "priority": "EXTREME_HIGH", "used": 0, "limit": 1000 });
    assert_eq!(me["quotas"][0], highest);
    assert_eq!(
        me["mounts"][0],
        json!({ "path": "/srv/code", "readOnly": false })
    );
    assert_eq!(me["mounts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_new_user_can_use_the_token_at_once() {
    let api = TestApi::with_nodes(1).await;
    let input = json!({ "input": { "name": "ana", "uid": 4_000_000_000_u32, "groups": ["ops"] } });
    let created = api.root(CREATE, input).await["createUser"].take();
    assert_eq!(
        created["user"],
        json!({
            "name": "ana", "role": "INTERNAL", "uid": 4_000_000_000_u32, "active": true,
            "groups": ["internal", "public", "ana", "ops"],
        })
    );
    let answer = api
        .ask(created["token"].as_str(), "{ me { name } }", json!({}))
        .await;
    assert_eq!(answer["data"]["me"]["name"], "ana");
}

#[tokio::test]
async fn only_administrators_create_users_and_what_is_wrong_is_named() {
    let api = TestApi::with_nodes(1).await;
    let (_, token) = api.platform.user("ana").await;
    let input = |name: &str| json!({ "input": { "name": name } });
    assert_eq!(
        api.refusal(&token, CREATE, input("bob")).await.code,
        "FORBIDDEN"
    );
    let root = &api.platform.root_token;
    let refusal = api.refusal(root, CREATE, input("No Name")).await;
    assert_eq!(refusal.field.as_deref(), Some("name"));
    assert_eq!(
        api.refusal(root, CREATE, input("ana")).await.code,
        "CONFLICT"
    );
    let many = json!({ "input": { "name": "bob", "groups": vec!["g"; 101] } });
    let refusal = api.refusal(root, CREATE, many).await;
    assert_eq!(refusal.field.as_deref(), Some("groups"));
}

#[tokio::test]
async fn the_platform_says_what_tasks_may_name() {
    let api = TestApi::with_nodes(1).await;
    let query = "{ serverInfo { version runtime time defaultGroup groups environments } }";
    assert_eq!(
        api.root(query, json!({})).await["serverInfo"],
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "runtime": "LOCAL",
            "time": "2024-10-04T00:00:00+00:00",
            "defaultGroup": "training",
            "groups": ["training"],
            "environments": ["default"],
        })
    );
}
