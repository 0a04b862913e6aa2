//! The server from the outside, over HTTP.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::config::{ApiConfig, Limits};
use crate::testing::{Refusal, Served, refusal};

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn post(served: &Served, body: impl Into<reqwest::Body>) -> RequestBuilder {
    client()
        .post(format!("{}/graphql", served.address))
        .bearer_auth(served.token())
        .header("content-type", "application/json")
        .body(body)
}

async fn get(served: &Served, path: &str, accept: &str) -> Response {
    let url = format!("{}{path}", served.address);
    client()
        .get(url)
        .header("accept", accept)
        .send()
        .await
        .unwrap()
}

async fn seen(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_query_is_answered() {
    let served = Served::start(ApiConfig::default()).await;
    let body = json!({
        "query": "query One($name: String!) { task(name: $name) { id } } query Other { me { name } }",
        "variables": null,
        "operationName": "Other",
        "extensions": {},
    });
    let (status, answer) = seen(post(&served, body.to_string())).await;
    assert_eq!(
        (status, &answer["data"]["me"]["name"]),
        (200, &json!("admin"))
    );
}

#[tokio::test]
async fn what_is_no_operation_is_refused_with_a_code() {
    let limits = Limits {
        body_bytes: 1000,
        ..Limits::default()
    };
    let served = Served::start(ApiConfig {
        limits,
        ..ApiConfig::default()
    })
    .await;
    let long = json!({ "query": "{ me { name } }", "operationName": "x".repeat(1000) });
    for (body, expected) in [
        ("nonsense".to_owned(), 400),
        (r#" [{ "query": "{ me { name } }" }]"#.to_owned(), 400),
        (long.to_string(), 413),
        (
            r#"{ "query": "subscription { agentOrders { desired } }" }"#.to_owned(),
            200,
        ),
    ] {
        let (status, answer) = seen(post(&served, body)).await;
        assert_eq!(status, expected);
        assert_eq!(refusal(&answer).code, "INVALID_INPUT");
    }
    let url = format!("{}/graphql", served.address);
    let text = client()
        .post(url)
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(seen(text).await.0, 415);
}

#[tokio::test]
async fn a_token_is_needed_and_must_be_a_bearer_token() {
    let served = Served::start(ApiConfig::default()).await;
    let url = format!("{}/graphql", served.address);
    let body = json!({ "query": "{ me { name } }" }).to_string();
    let request = || {
        let request = client()
            .post(&url)
            .header("content-type", "application/json");
        request.body(body.clone())
    };
    for request in [
        request(),
        request().bearer_auth("ACCESS-0000"),
        request().header("authorization", "Basic YTpi"),
        request().header("authorization", served.token()),
    ] {
        let (status, answer) = seen(request).await;
        let expected = Refusal {
            code: "UNAUTHENTICATED".into(),
            field: None,
            message: "not signed in: the token is missing, unknown, expired or revoked".into(),
        };
        assert_eq!((status, refusal(&answer)), (200, expected));
    }
}

#[tokio::test]
async fn browsers_get_graphiql_with_all_its_files_from_here() {
    let served = Served::start(ApiConfig::default()).await;
    let page = get(&served, "/graphql", "text/html,*/*;q=0.8").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'"),
        "{policy}"
    );
    let page = page.text().await.unwrap();
    assert!(page.contains("graphiql/start.js"));
    for (file, content_type) in [
        ("graphiql.min.js", "text/javascript; charset=utf-8"),
        ("graphiql.min.css", "text/css; charset=utf-8"),
        ("start.js", "text/javascript; charset=utf-8"),
    ] {
        let file = get(&served, &format!("/graphiql/{file}"), "*/*").await;
        assert_eq!(file.status(), 200);
        assert_eq!(file.headers()["content-type"], content_type);
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
    }
    for path in ["/graphiql/other.js", "/graphiql/..%2findex.html"] {
        assert_eq!(get(&served, path, "*/*").await.status(), 404);
    }
}

#[tokio::test]
async fn what_is_no_browser_is_told_to_post() {
    let served = Served::start(ApiConfig::default()).await;
    assert_eq!(
        get(&served, "/graphql", "application/json").await.status(),
        405
    );
    let without = ApiConfig {
        graphiql: false,
        ..ApiConfig::default()
    };
    let served = Served::start(without).await;
    let file = get(&served, "/graphiql/start.js", "*/*").await;
    assert_eq!(file.status(), 404);
    assert_eq!(get(&served, "/graphql", "text/html").await.status(), 405);
}

#[tokio::test]
async fn health_says_whether_requests_can_be_served() {
    let served = Served::start(ApiConfig::default()).await;
    for (path, expected) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = get(&served, path, "*/*").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), expected);
    }
    served.api.platform.app.store.clone().close().await;
    let answer = get(&served, "/readyz", "*/*").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(
        answer.text().await.unwrap(),
        "the database is not available\n"
    );
    served.stop.cancel();
    let answer = get(&served, "/readyz", "*/*").await;
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.text().await.unwrap().as_str()
        ),
        (503, "shutting down\n")
    );
    assert_eq!(get(&served, "/healthz", "*/*").await.status(), 200);
}
