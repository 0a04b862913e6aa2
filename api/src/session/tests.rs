//! Sessions of browsers through the schema; `http/session_tests.rs` has them in a browser's hands.

use serde_json::json;

use crate::testing::{TestApi, refusal};

const CODE: &str = "mutation ($input: CreateSessionCodeInput!) { createSessionCode(input: $input) { code expiresAt } }";
const SESSIONS: &str = "{ sessions { totalCount nodes { id } } }";
const END: &str = "mutation ($id: ID!) { endSession(id: $id) { id } }";
const END_ALL: &str =
    "mutation ($input: EndAllSessionsInput!) { endAllSessions(input: $input) { count } }";

#[tokio::test]
async fn codes_are_for_tokens_of_ones_own_that_are_good_for_everything() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let input = json!({ "input": { "name": "laptop" } });
    let made = api.data(&ada, CODE, input.clone()).await["createSessionCode"].take();
    assert_eq!(made["code"].as_str().map(str::len), Some(14));
    let refused = api
        .refusal(&ada, CODE, json!({ "input": { "name": "" } }))
        .await;
    assert_eq!(refused.field.as_deref(), Some("name"));
    for scope in ["READ", "EXCEPT_JUPYTER"] {
        let make =
            format!("mutation {{ createAccessToken(input: {{ scope: {scope} }}) {{ token }} }}");
        let token = api.data(&ada, &make, json!({})).await["createAccessToken"]["token"].take();
        let answer = api.ask(token.as_str(), CODE, input.clone()).await;
        assert_eq!(refusal(&answer).code, "FORBIDDEN", "{scope}");
    }
    let make =
        "mutation { createAccessToken(input: { user: \"ada\", holder: \"admin\" }) { token } }";
    let token = api.root(make, json!({})).await["createAccessToken"]["token"].take();
    let answer = api.ask(token.as_str(), CODE, input).await;
    assert_eq!(refusal(&answer).code, "FORBIDDEN", "somebody else holds it");
}

#[tokio::test]
async fn what_is_no_session_of_ones_own_is_not_there() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let listed = api.data(&ada, SESSIONS, json!({})).await;
    assert_eq!(listed["sessions"], json!({ "totalCount": 0, "nodes": [] }));
    for id in ["1", "x"] {
        let refused = api.refusal(&ada, END, json!({ "id": id })).await;
        assert_eq!(refused.code, "NOT_FOUND");
    }
    let ended = api.data(&ada, END_ALL, json!({ "input": {} })).await;
    assert_eq!(ended["endAllSessions"]["count"], 0);
    let of_others = json!({ "input": { "user": "admin" } });
    assert_eq!(
        api.refusal(&ada, END_ALL, of_others).await.code,
        "FORBIDDEN"
    );
}
