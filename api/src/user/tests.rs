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

const CHANGE: [&str; 3] = [
    "mutation ($input: SetUserActiveInput!) { setUserActive(input: $input) { active } }",
    "mutation ($input: SetUserGroupsInput!) { setUserGroups(input: $input) { groups } }",
    "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { nickName sharedGroup } }",
];
const TEAM: &str = "mutation ($input: SetSharedGroupGroupsInput!) {
    setSharedGroupGroups(input: $input) { name groups } }";

#[tokio::test]
async fn users_are_listed_by_name_in_pages() {
    let api = TestApi::with_nodes(1).await;
    let (_, bob) = api.platform.user("bob").await;
    api.platform.user("ada").await;
    let query = "query ($after: String, $filter: UserFilter) {
        users(first: 2, after: $after, filter: $filter) {
            totalCount nodes { name nickName sharedGroup permissions } pageInfo { hasNextPage endCursor } } }";
    let first = api.data(&bob, query, json!({})).await["users"].take();
    let shown =
        json!({ "name": "ada", "nickName": "ada", "sharedGroup": "default", "permissions": null });
    assert_eq!(
        (&first["nodes"][0], &first["totalCount"]),
        (&shown, &json!(3))
    );
    let after = json!({ "after": first["pageInfo"]["endCursor"] });
    let second = api.data(&bob, query, after).await["users"].take();
    assert_eq!(second["nodes"][0]["name"], "bob");
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    let filter =
        json!({ "filter": { "names": ["bob", "admin"], "active": true, "role": "INTERNAL" } });
    assert_eq!(
        api.data(&bob, query, filter).await["users"]["totalCount"],
        2
    );
}

#[tokio::test]
async fn who_is_shut_out_is_out_at_once_and_nobody_shuts_himself_out() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let input = |user: &str, active: bool| json!({ "input": { "user": user, "active": active } });
    assert_eq!(
        api.refusal(&ada, CHANGE[0], input("admin", false))
            .await
            .code,
        "FORBIDDEN"
    );
    assert_eq!(
        api.root(CHANGE[0], input("ada", false)).await["setUserActive"]["active"],
        false
    );
    let refusal = api.refusal(&ada, "{ me { name } }", json!({})).await;
    assert_eq!(refusal.code, "UNAUTHENTICATED");
    api.root(CHANGE[0], input("ada", true)).await;
    api.data(&ada, "{ me { name } }", json!({})).await;
    let root = &api.platform.root_token;
    let refusal = api.refusal(root, CHANGE[0], input("admin", false)).await;
    assert_eq!(refusal.field.as_deref(), Some("active"));
}

#[tokio::test]
async fn groups_are_replaced_by_root_and_what_cannot_be_joined_is_named() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let input = |groups: &[&str]| json!({ "input": { "user": "ada", "groups": groups } });
    let refusal = api.refusal(&ada, CHANGE[1], input(&["root"])).await;
    assert_eq!(refusal.code, "FORBIDDEN");
    let groups = api.root(CHANGE[1], input(&["ops", "team"])).await;
    let expected = json!(["internal", "public", "ada", "ops", "team"]);
    assert_eq!(groups["setUserGroups"]["groups"], expected);
    let groups = api.root(CHANGE[1], input(&[])).await;
    let expected = json!(["internal", "public", "ada"]);
    assert_eq!(groups["setUserGroups"]["groups"], expected);
    let root = &api.platform.root_token;
    for wrong in ["public", "external", "admin", "No Group"] {
        let refusal = api.refusal(root, CHANGE[1], input(&[wrong])).await;
        assert_eq!(refusal.field.as_deref(), Some("groups"), "{wrong}");
    }
    let oneself = json!({ "input": { "user": "admin", "groups": ["ops"] } });
    let refusal = api.refusal(root, CHANGE[1], oneself).await;
    assert_eq!(refusal.field.as_deref(), Some("groups"));
}

#[tokio::test]
async fn members_of_a_team_belong_to_its_groups() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let team =
        json!({ "input": { "sharedGroup": "vision", "groups": ["ops", "developer_admin"] } });
    api.root(TEAM, team).await;
    let move_to =
        |user: &str, team: &str| json!({ "input": { "user": user, "sharedGroup": team } });
    let moved = api.root(CHANGE[2], move_to("ada", "vision")).await;
    assert_eq!(moved["updateUser"]["sharedGroup"], "vision");
    let me = api
        .data(&ada, "{ me { groups permissions } }", json!({}))
        .await["me"]
        .take();
    let expected = json!(["internal", "public", "ada", "developer_admin", "ops"]);
    assert_eq!(me["groups"], expected);
    let expected = json!([
        "CREATE_USERS",
        "ACTIVATE_USERS",
        "MANAGE_NODES",
        "MANAGE_MOUNTS",
        "INSPECT"
    ]);
    assert_eq!(me["permissions"], expected);
    // Whoever may create users does not give rights by the team, and does not shut root out.
    let into = json!({ "input": { "name": "bob", "sharedGroup": "vision" } });
    assert_eq!(api.refusal(&ada, CREATE, into).await.code, "FORBIDDEN");
    let refusal = api
        .refusal(&ada, CHANGE[2], move_to("admin", "vision"))
        .await;
    assert_eq!(refusal.code, "FORBIDDEN");
    let shut = json!({ "input": { "user": "admin", "active": false } });
    assert_eq!(api.refusal(&ada, CHANGE[0], shut).await.code, "FORBIDDEN");
    // The name of a group is not the name of a user.
    let taken = json!({ "input": { "sharedGroup": "vision", "groups": ["vip"] } });
    api.root(TEAM, taken).await;
    let vip = json!({ "input": { "name": "vip" } });
    let refusal = api.refusal(&api.platform.root_token, CREATE, vip).await;
    assert_eq!(refusal.field.as_deref(), Some("name"));
}

#[tokio::test]
async fn a_guest_has_a_team_of_his_own_and_a_uid_apart() {
    let api = TestApi::with_nodes(1).await;
    let root = &api.platform.root_token;
    let guest = |team: Option<&str>| json!({ "input": { "name": "gus", "role": "EXTERNAL", "sharedGroup": team } });
    for team in [None, Some("default"), Some("root")] {
        let refusal = api.refusal(root, CREATE, guest(team)).await;
        assert_eq!(refusal.field.as_deref(), Some("sharedGroup"), "{team:?}");
    }
    let created = api.root(CREATE, guest(Some("visitors"))).await;
    assert_eq!(created["createUser"]["user"]["uid"], 100_001);
    let back = json!({ "input": { "user": "gus", "sharedGroup": "default" } });
    let refusal = api.refusal(root, CHANGE[2], back).await;
    assert_eq!(refusal.field.as_deref(), Some("sharedGroup"));
    let nick = json!({ "input": { "user": "gus", "nickName": "Gus G." } });
    let changed = api.root(CHANGE[2], nick).await["updateUser"].take();
    assert_eq!(
        changed,
        json!({ "nickName": "Gus G.", "sharedGroup": "visitors" })
    );
    let inside = json!({ "input": { "name": "ina" } });
    let created = api.root(CREATE, inside).await;
    assert_eq!(created["createUser"]["user"]["uid"], 10_001);
}

#[tokio::test]
async fn users_who_are_created_together_get_different_uids() {
    let api = TestApi::with_nodes(1).await;
    let names = ["ada", "bob", "cy", "dan"];
    let created = futures_util::future::join_all(
        names.map(|name| api.root(CREATE, json!({ "input": { "name": name } }))),
    );
    let uids = created.await.into_iter().map(|created| {
        let uid = &created["createUser"]["user"]["uid"];
        uid.as_i64().unwrap()
    });
    let uids: std::collections::BTreeSet<i64> = uids.collect();
    assert_eq!(uids, (10_001..=10_004).collect());
}
