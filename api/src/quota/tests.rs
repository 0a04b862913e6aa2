//! Quotas through the schema.

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::testing::{TestApi, statements_of};

const SET: &str = "mutation ($input: SetQuotaInput!) {
    setQuota(input: $input) { owner kind tag group priority nodes expiresAt }
}";

#[tokio::test]
async fn a_quota_that_was_set_is_what_its_owner_may_hold() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let quota = json!({
        "owner": "ana", "kind": "GRANT", "tag": "", "group": "training", "priority": "HIGH", "nodes": 3,
        "expiresAt": null,
    });
    let set = api.root(SET, json!({ "input": quota })).await;
    assert_eq!(set["setQuota"], quota);
    let mine = api
        .data(&ana, "{ me { quotas { priority limit } } }", json!({}))
        .await;
    let quotas = mine["me"]["quotas"].as_array().unwrap();
    assert!(
        quotas.contains(&json!({ "priority": "HIGH", "limit": 3 })),
        "{quotas:?}"
    );
}

#[tokio::test]
async fn only_administrators_set_quotas_and_what_is_wrong_is_named() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let quota = |changes: serde_json::Value| {
        let mut input = json!({
            "owner": "ana", "group": "training", "priority": "HIGH", "nodes": 3,
        });
        for (key, value) in changes.as_object().unwrap() {
            input[key] = value.clone();
        }
        json!({ "input": input })
    };
    assert_eq!(
        api.refusal(&ana, SET, quota(json!({}))).await.code,
        "FORBIDDEN"
    );
    for (changes, field) in [
        (json!({ "priority": "AUTO" }), "priority"),
        (json!({ "nodes": -1 }), "nodes"),
        (json!({ "group": "elsewhere" }), "group"),
        (json!({ "owner": "nobody-here" }), "owner"),
        (json!({ "expiresAt": "2000-01-01T00:00:00Z" }), "expiresAt"),
    ] {
        let refusal = api
            .refusal(&api.platform.root_token, SET, quota(changes))
            .await;
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            ("INVALID_INPUT", Some(field))
        );
    }
}

const NAMED: &str = "mutation ($input: SetResourceQuotaInput!) {
    setResourceQuota(input: $input) { owner resource amount memoryGib cpus expiresAt }
}";
const MINE: &str = "mutation ($input: SetMyQuotaInput!) { setMyQuota(input: $input) { nodes } }";
const REMOVE: &str =
    "mutation ($input: RemoveQuotaInput!) { removeQuota(input: $input) { amount } }";
const LOG: &str = "query ($filter: QuotaChangeFilter, $first: Int, $after: String) {
    quotaChanges(filter: $filter, first: $first, after: $after) {
        nodes { editor owner resource before after } pageInfo { hasNextPage endCursor }
    }
}";

#[tokio::test]
async fn a_user_takes_what_the_ceiling_leaves_and_is_told_of_it() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let ceiling = json!({
        "owner": "public", "kind": "CEILING", "tag": "night", "group": "training", "priority": "HIGH", "nodes": 4,
    });
    api.root(SET, json!({ "input": ceiling })).await;
    let mine =
        |nodes| json!({ "input": { "group": "training", "priority": "HIGH", "nodes": nodes } });
    let refused = api.refusal(&ana, MINE, mine(5)).await;
    assert_eq!(
        (refused.code.as_str(), refused.field.as_deref()),
        ("QUOTA_EXCEEDED", Some("nodes"))
    );
    assert_eq!(
        refused.message,
        "nodes: 5 is more than the 4 that are allowed"
    );
    api.data(&ana, MINE, mine(3)).await;
    let ledger = "{ me { quotas { priority used limit ceiling available } } }";
    let told = api.data(&ana, ledger, json!({})).await;
    let expected =
        json!({ "priority": "HIGH", "used": 0, "limit": 3, "ceiling": 4, "available": 3 });
    assert!(
        told["me"]["quotas"].as_array().unwrap().contains(&expected),
        "{told}"
    );
}

#[tokio::test]
async fn quotas_of_anything_are_set_listed_and_removed_by_name_and_logged() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let dev = json!({
        "owner": "ana", "resource": "jupyter:jd-dev", "amount": 2, "memoryGib": 64, "cpus": 8, "expiresAt": null,
    });
    let set = api.root(NAMED, json!({ "input": dev })).await;
    assert_eq!(set["setResourceQuota"], dev);
    let nodes = json!({ "owner": "ana", "resource": "node-training-HIGH", "amount": 1 });
    api.root(NAMED, json!({ "input": nodes })).await;
    for name in ["node-training-URGENT", "port:ssh:nb:0:22"] {
        let input = json!({ "owner": "ana", "resource": name, "amount": 1 });
        let refused = api
            .refusal(&api.platform.root_token, NAMED, json!({ "input": input }))
            .await;
        assert_eq!(refused.field.as_deref(), Some("resource"), "{name}");
    }
    let list = "query ($filter: QuotaFilter) {
        quotas(filter: $filter) { nodes { owner kind tag group priority nodes } }
        resourceQuotas(filter: $filter) { nodes { resource amount } }
    }";
    let filter = json!({ "filter": { "owner": "ana" } });
    let listed = api.data(&ana, list, filter).await;
    let expected = json!({
        "quotas": { "nodes": [{
            "owner": "ana", "kind": "GRANT", "tag": "", "group": "training", "priority": "HIGH", "nodes": 1,
        }] },
        "resourceQuotas": { "nodes": [{ "resource": "jupyter:jd-dev", "amount": 2 }] },
    });
    assert_eq!(listed, expected);
    let foreign = json!({ "filter": { "owner": "public" } });
    let foreign = api.refusal(&ana, LOG, foreign).await;
    assert_eq!(foreign.code, "FORBIDDEN");
    let gone = json!({ "input": { "owner": "ana", "resource": "jupyter:jd-dev" } });
    assert_eq!(
        api.refusal(&ana, REMOVE, gone.clone()).await.code,
        "FORBIDDEN"
    );
    api.root(REMOVE, gone.clone()).await;
    let again = api.refusal(&api.platform.root_token, REMOVE, gone).await;
    assert_eq!(again.code, "NOT_FOUND");
    let page = api.root(LOG, json!({ "first": 2 })).await["quotaChanges"].take();
    let change = |resource: &str, before: Option<i64>, after: Option<i64>| json!({ "editor": "admin", "owner": "ana", "resource": resource, "before": before, "after": after });
    let newest = [
        change("jupyter:jd-dev", Some(6_400_802), None),
        change("node-training-HIGH", None, Some(1)),
    ];
    assert_eq!(page["nodes"], json!(newest));
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let after = page["pageInfo"]["endCursor"].clone();
    let filter =
        json!({ "filter": { "owner": "ana", "resource": "jupyter:jd-dev" }, "after": after });
    let rest = api.data(&ana, LOG, filter).await;
    let oldest = change("jupyter:jd-dev", None, Some(6_400_802));
    assert_eq!(rest["quotaChanges"]["nodes"], json!([oldest]));
}

#[tokio::test]
async fn a_simulation_is_for_those_who_set_quotas() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    api.platform.submit("t", 2).await;
    let simulate = "query ($input: SimulateQuotaInput!) {
        simulateQuota(input: $input) { starts { task priority nodes } giveWay { task forTask } waits { task before after } }
    }";
    let input =
        |resource: &str| json!({ "input": { "owner": "admin", "resource": resource, "nodes": 0 } });
    let extreme = input("node-training-EXTREME_HIGH");
    let refused = api.refusal(&ana, simulate, extreme.clone()).await;
    assert_eq!(refused.code, "FORBIDDEN");
    // The group is too small either way.
    let same = api.root(simulate, extreme).await;
    let nothing = json!({ "starts": [], "giveWay": [], "waits": [] });
    assert_eq!(same["simulateQuota"], nothing);
    let wrong = api
        .refusal(&api.platform.root_token, simulate, input("port"))
        .await;
    assert_eq!(wrong.field.as_deref(), Some("resource"));
}

#[tokio::test]
async fn whoever_follows_is_given_the_ledger_when_it_is_another() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let follow = "subscription { quotaChanged { quotas { priority limit } } }";
    let mut ledgers = api.follow(&ana, follow, json!({}));
    let high = |ledger: &Value| {
        let quotas = ledger["data"]["quotaChanged"]["quotas"].as_array().unwrap();
        let found = quotas.iter().find(|quota| quota["priority"] == "HIGH");
        found.unwrap()["limit"].as_i64().unwrap()
    };
    assert_eq!(high(&ledgers.next().await.unwrap()), 1000);
    api.platform.user("bob").await;
    for (owner, nodes) in [("bob", 1), ("ana", 7)] {
        let input = json!({ "owner": owner, "resource": "node-training-HIGH", "amount": nodes });
        api.root(NAMED, json!({ "input": input })).await;
    }
    // That of another is no news.
    assert_eq!(high(&ledgers.next().await.unwrap()), 7);
}

const LEDGER: &str = "query ($user: String, $group: String) {
    quotaLedger(user: $user, group: $group) {
        user quotas { group priority used limit available } resources { resource amount memoryGib cpus } validUntil
    }
}";

#[tokio::test]
async fn a_ledger_tells_of_nodes_and_of_everything_else_and_until_when() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let set = async |resource: &str, more: Value| {
        let mut input = json!({ "owner": "ana", "resource": resource, "amount": 2 });
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        api.root(NAMED, json!({ "input": input })).await;
    };
    set("node-training-HIGH", json!({})).await;
    set("port", json!({ "expiresAt": "2999-01-01T00:00:00Z" })).await;
    set("jupyter:training", json!({ "memoryGib": 64, "cpus": 8 })).await;
    let mine = api.data(&ana, LEDGER, json!({})).await["quotaLedger"].take();
    assert_eq!(mine["user"], "ana");
    assert_eq!(mine["validUntil"], "2999-01-01T00:00:00+00:00");
    let high =
        json!({ "group": "training", "priority": "HIGH", "used": 0, "limit": 2, "available": 2 });
    assert!(mine["quotas"].as_array().unwrap().contains(&high), "{mine}");
    let dev = json!({ "resource": "jupyter:training", "amount": 2, "memoryGib": 64, "cpus": 8 });
    let port = json!({ "resource": "port", "amount": 2, "memoryGib": null, "cpus": null });
    assert_eq!(mine["resources"], json!([dev, port]));
    let of_group = json!({ "user": "ana", "group": "training" });
    let told = api.root(LEDGER, of_group).await["quotaLedger"].take();
    assert_eq!(told["resources"], json!([dev]));
    assert_eq!(told["quotas"], mine["quotas"]);
    let elsewhere = api
        .data(&ana, LEDGER, json!({ "group": "elsewhere" }))
        .await;
    assert_eq!(elsewhere["quotaLedger"]["quotas"], json!([]));
}

#[tokio::test]
async fn ledgers_of_others_are_for_administrators_of_quotas() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    api.platform.user("bob").await;
    let of = |name: &str| json!({ "user": name });
    // Whether there is such a user is none of ana's business either.
    for name in ["bob", "nobody-here"] {
        let refused = api.refusal(&ana, LEDGER, of(name)).await;
        assert_eq!(refused.code, "FORBIDDEN", "{name}");
    }
    let bobs = api.root(LEDGER, of("bob")).await;
    assert_eq!(bobs["quotaLedger"]["user"], "bob");
    let missing = api
        .refusal(&api.platform.root_token, LEDGER, of("nobody-here"))
        .await;
    assert_eq!(missing.code, "NOT_FOUND");
}

#[tokio::test]
async fn quotas_of_many_users_take_as_many_statements_as_those_of_two() {
    let api = TestApi::with_nodes(1).await;
    for n in 0..8 {
        api.platform.user(&format!("u{n}")).await;
    }
    let query = "query ($first: Int!) { users(first: $first) { nodes { quotas { limit } } } }";
    let few = statements_of(api.root(query, json!({ "first": 2 }))).await;
    let many = statements_of(api.root(query, json!({ "first": 8 }))).await;
    assert!(few > 5, "the statements are not counted any more");
    assert_eq!(few, many);
}
