//! Quotas through the schema.

use serde_json::json;

use crate::testing::TestApi;

const SET: &str = "mutation ($input: SetQuotaInput!) {
    setQuota(input: $input) { owner group priority nodes expiresAt }
}";

#[tokio::test]
async fn a_quota_that_was_set_is_what_its_owner_may_hold() {
    let api = TestApi::with_nodes(1).await;
    let (_, ana) = api.platform.user("ana").await;
    let quota = json!({
        "owner": "ana", "group": "training", "priority": "HIGH", "nodes": 3, "expiresAt": null,
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
