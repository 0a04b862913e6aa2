//! Access tokens through the schema.

use serde_json::{Value, json};

use crate::testing::TestApi;

const CREATE: &str =
    "mutation ($input: CreateAccessTokenInput!) { createAccessToken(input: $input) {
    accessToken { id scope name createdBy user { name } holder { name } } token } }";
const LIST: &str = "{ accessTokens { totalCount nodes { id name revokedAt } } }";
const ME: &str = "{ me { name holder scope permissions } }";
const REVOKE: &str = "mutation ($id: ID!) { revokeAccessToken(id: $id) { revokedAt } }";
const ROTATE: &str = "mutation ($id: ID!) { rotateToken(id: $id) { accessToken { id } token } }";

async fn made(api: &TestApi, token: &domain::auth::Token, input: Value) -> (String, Value) {
    let mut answer = api.data(token, CREATE, json!({ "input": input })).await;
    let mut created = answer["createAccessToken"].take();
    let secret = created["token"].as_str().unwrap().to_owned();
    (secret, created["accessToken"].take())
}

fn code(answer: &Value) -> &str {
    let code = answer.pointer("/errors/0/extensions/code");
    code.and_then(Value::as_str).unwrap_or("OK")
}

#[tokio::test]
async fn a_given_token_acts_as_its_user_and_says_who_holds_it_until_either_ends_it() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let (_, bob) = api.platform.user("bob").await;
    let input = json!({ "holder": "bob", "scope": "EXCEPT_JUPYTER", "name": "for a week" });
    let (secret, token) = made(&api, &ada, input).await;
    let expected = json!({
        "id": token["id"], "scope": "EXCEPT_JUPYTER", "name": "for a week", "createdBy": "ada",
        "user": { "name": "ada" }, "holder": { "name": "bob" },
    });
    assert_eq!(token, expected);
    let me = api.ask(Some(&secret), ME, json!({})).await["data"]["me"].take();
    let expected =
        json!({ "name": "ada", "holder": "bob", "scope": "EXCEPT_JUPYTER", "permissions": [] });
    assert_eq!(me, expected);
    for who in [&ada, &bob] {
        let listed = api.data(who, LIST, json!({})).await["accessTokens"].take();
        assert_eq!(listed["nodes"][0]["name"], "for a week");
        assert_eq!(listed["totalCount"], 2);
    }
    let id = json!({ "id": token["id"] });
    api.data(&bob, REVOKE, id.clone()).await;
    assert_eq!(
        code(&api.ask(Some(&secret), ME, json!({})).await),
        "UNAUTHENTICATED"
    );
    assert_eq!(api.refusal(&ada, REVOKE, id).await.code, "CONFLICT");
}

#[tokio::test]
async fn a_token_does_no_more_than_its_scope() {
    let api = TestApi::with_nodes(1).await;
    let input = json!({ "scope": "READ" });
    let (secret, _) = made(&api, &api.platform.root_token, input).await;
    let active = "mutation { setUserActive(input: { user: \"admin\", active: true }) { name } }";
    let make = json!({ "input": {} });
    for (query, variables, expected) in [
        (ME, json!({}), "OK"),
        ("{ users { totalCount } }", json!({}), "OK"),
        (LIST, json!({}), "FORBIDDEN"),
        (active, json!({}), "FORBIDDEN"),
        (CREATE, make, "FORBIDDEN"),
    ] {
        let answer = api.ask(Some(&secret), query, variables).await;
        assert_eq!(code(&answer), expected, "{query}");
    }
}

#[tokio::test]
async fn nobody_makes_or_sees_tokens_of_others_and_who_holds_one_makes_no_more() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let (_, bob) = api.platform.user("bob").await;
    let of_ada = json!({ "input": { "user": "ada" } });
    assert_eq!(api.refusal(&bob, CREATE, of_ada).await.code, "FORBIDDEN");
    let (secret, token) = made(&api, &ada, json!({ "holder": "bob" })).await;
    let answer = api.ask(Some(&secret), CREATE, json!({ "input": {} })).await;
    assert_eq!(code(&answer), "FORBIDDEN");
    let id = json!({ "id": token["id"] });
    assert_eq!(api.refusal(&bob, ROTATE, id).await.code, "FORBIDDEN");
    let (_, cy) = api.platform.user("cy").await;
    let (_, own) = made(&api, &ada, json!({})).await;
    for query in [ROTATE, REVOKE] {
        let refusal = api.refusal(&cy, query, json!({ "id": own["id"] })).await;
        assert_eq!(refusal.code, "NOT_FOUND");
    }
    // Administrators of tokens are not made the equals of root by that.
    let groups = "mutation { setUserGroups(input: { user: \"cy\", groups: [\"create_access_token\"] }) { name } }";
    api.root(groups, json!({})).await;
    made(&api, &cy, json!({ "user": "ada" })).await;
    let of_root = json!({ "input": { "user": "admin" } });
    assert_eq!(api.refusal(&cy, CREATE, of_root).await.code, "FORBIDDEN");
}

#[tokio::test]
async fn a_rotated_token_has_a_new_secret_only_and_each_call_makes_another() {
    let api = TestApi::with_nodes(1).await;
    let (_, ada) = api.platform.user("ada").await;
    let (first, token) = made(&api, &ada, json!({})).await;
    let (second, _) = made(&api, &ada, json!({})).await;
    assert_ne!(first, second);
    let rotated = api.data(&ada, ROTATE, json!({ "id": token["id"] })).await["rotateToken"].take();
    assert_eq!(rotated["accessToken"]["id"], token["id"]);
    let expected = [
        (first.as_str(), "UNAUTHENTICATED"),
        (second.as_str(), "OK"),
        (rotated["token"].as_str().unwrap(), "OK"),
    ];
    for (secret, expected) in expected {
        assert_eq!(code(&api.ask(Some(secret), ME, json!({})).await), expected);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_named() {
    let api = TestApi::with_nodes(1).await;
    let root = &api.platform.root_token;
    for (input, field) in [
        (json!({ "user": "nobody" }), "user"),
        (json!({ "holder": "nobody" }), "holder"),
        (json!({ "expiresAt": "2000-01-01T00:00:00Z" }), "expiresAt"),
        (json!({ "name": "" }), "name"),
    ] {
        let refusal = api.refusal(root, CREATE, json!({ "input": input })).await;
        assert_eq!(refusal.field.as_deref(), Some(field));
    }
}

#[tokio::test]
async fn a_guest_gives_tokens_to_his_team_and_is_not_told_who_else_there_is() {
    let api = TestApi::with_nodes(1).await;
    let create = "mutation ($input: CreateUserInput!) { createUser(input: $input) { token } }";
    let mut tokens = Vec::new();
    for (name, team) in [("gus", "visitors"), ("eve", "visitors"), ("zoe", "others")] {
        let input = json!({ "name": name, "role": "EXTERNAL", "sharedGroup": team });
        let created = api.root(create, json!({ "input": input })).await;
        tokens.push(created["createUser"]["token"].as_str().unwrap().to_owned());
    }
    let mut answers = Vec::new();
    for holder in ["eve", "zoe", "nobody"] {
        let input = json!({ "input": { "holder": holder } });
        answers.push(api.ask(Some(&tokens[0]), CREATE, input).await);
    }
    assert_eq!(code(&answers[0]), "OK");
    assert_eq!(code(&answers[1]), "INVALID_INPUT");
    assert_eq!(answers[1], answers[2]);
}
