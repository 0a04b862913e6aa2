//! Mounts through the schema.

use serde_json::{Value, json};

use crate::testing::{TestApi, statements_of};

const ADD: &str = "mutation ($input: AddMountRuleInput!) { addMountRule(input: $input) {
    changed undone rule { id action owners mountType active } warnings { kind users } } }";
const REMOVE: &str = "mutation ($input: RemoveMountRuleInput!) { removeMountRule(input: $input) {
    changed undone rule { id action } warnings { kind users } } }";
const MINE: &str = "{ myMounts {
    mounts { hostPath mountPath mountType readOnly rule rank overrode visibility }
    rules { rule rank mountPath effect others reason } conflicts { kind mountPath rules } } }";

fn data(owner: &str, host_path: &str, mount_path: &str) -> Value {
    json!({ "input": {
        "owner": owner, "hostPath": host_path, "mountPath": mount_path, "readOnly": false,
    } })
}

/// The id of a rule that was just made.
async fn add(api: &TestApi, variables: Value) -> String {
    let added = api.root(ADD, variables).await["addMountRule"].take();
    assert_eq!(added["changed"], true, "{added:#}");
    added["rule"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_sees_his_mounts_and_which_rule_gives_each() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let weak = add(&api, data("public", "/data", "/data")).await;
    let own = add(&api, data("ana", "/data/{user.user_name}", "/data")).await;
    let mut conditional = data("public", "/gpu", "/gpu");
    conditional["input"]["conditions"] = json!(["task.nodes > 1"]);
    let later = add(&api, conditional).await;
    let mine = api.data(&ana, MINE, json!({})).await["myMounts"].take();
    assert_eq!(
        mine["mounts"][0],
        json!({
            "hostPath": "/data/ana", "mountPath": "/data", "mountType": "PATH", "readOnly": false,
            "rule": own, "rank": "USER", "overrode": [weak], "visibility": "OTHER_PATH",
        })
    );
    assert_eq!(mine["conflicts"], json!([]));
    let rules = mine["rules"].as_array().unwrap();
    let of = |id: &str| rules.iter().find(|it| it["rule"] == id).unwrap();
    assert_eq!(of(&weak)["effect"], "OVERRIDDEN");
    assert_eq!(of(&weak)["others"], json!([own]));
    assert_eq!(of(&later)["effect"], "NEEDS_TASK");
    assert_eq!(of(&later)["rank"], "GROUP_CONDITIONAL");
    // What is mounted under another path is not reached on this runtime.
    let paths = api
        .data(&ana, "{ me { mounts { path } } }", json!({}))
        .await;
    assert_eq!(paths["me"]["mounts"][0]["path"], "/srv/code");
}

#[tokio::test]
async fn a_guest_does_not_see_what_is_behind_his_mounts() {
    let api = TestApi::with_nodes(1).await;
    let create = r#"mutation { createUser(input: { name: "guest", role: EXTERNAL, sharedGroup: "guests" }) { token } }"#;
    let created = api.root(create, json!({})).await;
    add(&api, data("external", "/secret/place", "/place")).await;
    let token = created["createUser"]["token"].as_str();
    let answer = api.ask(token, MINE, json!({})).await;
    let point = &answer["data"]["myMounts"]["mounts"][0];
    assert_eq!(
        (&point["mountPath"], &point["hostPath"]),
        (&json!("/place"), &Value::Null)
    );
    assert!(!answer.to_string().contains("secret"), "{answer:#}");
}

#[tokio::test]
async fn the_mounts_of_a_task_are_for_its_owner_and_those_who_inspect() {
    let api = TestApi::with_nodes(1).await;
    let (ana, token) = api.platform.user("ana").await;
    let (_, bob) = api.platform.user("bob").await;
    add(&api, data("public", "/out", "/out/{task.nb_name}")).await;
    let document = api.platform.document("train", 1);
    let task = api.platform.submit_document(&ana, document).await.unwrap();
    let query = "query ($id: ID!) { taskMounts(id: $id) { mounts { mountPath } } }";
    let id = json!({ "id": task.id.to_string() });
    for viewer in [&token, &api.platform.root_token] {
        let seen = api.data(viewer, query, id.clone()).await;
        assert_eq!(seen["taskMounts"]["mounts"][0]["mountPath"], "/out/train");
    }
    assert_eq!(api.refusal(&bob, query, id).await.code, "NOT_FOUND");
    let query = "{ userMounts(name: \"ana\") { mounts { mountPath } } }";
    assert_eq!(api.refusal(&bob, query, json!({})).await.code, "NOT_FOUND");
    assert!(api.root(query, json!({})).await["userMounts"].is_object());
}

#[tokio::test]
async fn a_change_that_is_probably_not_meant_is_told_before_it_is_made() {
    let api = TestApi::with_nodes(1).await;
    api.platform.user("ana").await;
    let first = add(&api, data("public", "/a", "/m")).await;
    let query = "query ($input: MountConflictsInput!) {
        mountConflicts(input: $input) { undoes warnings { kind rules users } } }";
    let ask = async |action: &str, owner: &str, host_path: &str| {
        let mut variables = data(owner, host_path, "/m");
        variables["input"]
            .as_object_mut()
            .unwrap()
            .remove("readOnly");
        variables["input"]["action"] = json!(action);
        api.root(query, variables).await["mountConflicts"].take()
    };
    assert_eq!(
        ask("ADD", "internal", "/b").await,
        json!({ "undoes": null, "warnings": [
            { "kind": "ADDS_CANCEL", "rules": [first], "users": ["admin", "ana"] },
        ] })
    );
    assert_eq!(
        ask("REMOVE", "public", "/a").await,
        json!({ "undoes": first, "warnings": [] })
    );
    let warned = api.root(ADD, data("internal", "/b", "/m")).await["addMountRule"].take();
    assert_eq!(
        (&warned["changed"], &warned["rule"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(warned["warnings"][0]["kind"], "ADDS_CANCEL");
    let mut forced = data("internal", "/b", "/m");
    forced["input"]["force"] = json!(true);
    add(&api, forced).await;
    let mut undo = data("public", "/a", "/m");
    undo["input"].as_object_mut().unwrap().remove("readOnly");
    let undone = api.root(REMOVE, undo).await["removeMountRule"].take();
    assert_eq!(
        (&undone["undone"], &undone["rule"]["id"]),
        (&json!(true), &json!(first))
    );
}

#[tokio::test]
async fn rules_are_for_administrators_and_what_is_wrong_is_named() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let refusal = api.refusal(&ana, ADD, data("ana", "/a", "/a")).await;
    assert_eq!(refusal.code, "FORBIDDEN");
    let list = "{ mountRules { nodes { mountPath } totalCount } }";
    assert_eq!(api.refusal(&ana, list, json!({})).await.code, "FORBIDDEN");
    let root = &api.platform.root_token;
    let mut wrong = data("ana", "/a", "/a");
    wrong["input"]["conditions"] = json!(["user.active", "not user.active"]);
    for (variables, field) in [
        (data("ana", "/{user.token}", "/a"), "hostPath"),
        (data("ana", "/a", "a"), "mountPath"),
        (wrong, "conditions.1"),
    ] {
        let refusal = api.refusal(root, ADD, variables).await;
        assert_eq!(refusal.code, "INVALID_INPUT");
        assert_eq!(refusal.field.as_deref(), Some(field));
    }
}

#[tokio::test]
async fn rules_come_in_pages() {
    let api = TestApi::with_nodes(1).await;
    for path in ["/a", "/b", "/c"] {
        add(&api, data("public", path, path)).await;
    }
    let query = "query ($after: String) { mountRules(first: 2, after: $after) {
        nodes { mountPath } totalCount pageInfo { endCursor hasNextPage } } }";
    let first = api.root(query, json!({})).await["mountRules"].take();
    assert_eq!(
        (&first["totalCount"], &first["pageInfo"]["hasNextPage"]),
        (&json!(3), &json!(true))
    );
    let after = json!({ "after": first["pageInfo"]["endCursor"] });
    let second = api.root(query, after).await["mountRules"].take();
    assert_eq!(second["nodes"], json!([{ "mountPath": "/c" }]));
}

#[tokio::test]
async fn the_mounts_of_many_owners_cost_as_many_statements_as_those_of_one() {
    let api = TestApi::with_nodes(1).await;
    for name in ["ana", "bob", "cleo"] {
        let (who, _) = api.platform.user(name).await;
        let document = api.platform.document(name, 1);
        api.platform.submit_document(&who, document).await.unwrap();
    }
    add(&api, data("public", "/data", "/data")).await;
    let query =
        |n: u32| format!("{{ tasks(first: {n}) {{ nodes {{ user {{ mounts {{ path }} }} }} }} }}");
    let one = statements_of(api.root(&query(1), json!({}))).await;
    let all = statements_of(api.root(&query(3), json!({}))).await;
    assert_eq!(one, all);
}
