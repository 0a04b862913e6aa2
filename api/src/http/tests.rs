//! The server from the outside, over HTTP.

use std::fs::{self, OpenOptions};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::config::{ApiConfig, Limits, Rate};
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
            r#"{ "query": "subscription { tasksChanged { id } }" }"#.to_owned(),
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

/// A running task of the administrator with these bytes of log, of which the first `removed` are gone: the address of
/// the log and its directory.
async fn logged(served: &Served, removed: usize, bytes: &[u8]) -> (String, PathBuf) {
    let platform = &served.api.platform;
    let id = platform.submit("t", 1).await.id;
    platform.bring_up(id).await;
    let dir = platform.app.logs.rank_dir("admin", id.0, 1, 0);
    fs::create_dir_all(&dir).unwrap();
    let middle = removed.midpoint(bytes.len());
    for (start, end) in [(removed, middle), (middle, bytes.len())] {
        fs::write(dir.join(format!("{start:020}.log")), &bytes[start..end]).unwrap();
    }
    let url = format!("{}/tasks/{id}/runs/1/ranks/0/log", served.address);
    (url, dir)
}

fn text_of(response: &Response, header: &str) -> Option<String> {
    let value = response.headers().get(header)?;
    Some(value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_log_is_downloaded_as_it_is() {
    let served = Served::start(ApiConfig::default()).await;
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (url, _) = logged(&served, 1000, &bytes).await;
    let get = |range: Option<&str>| {
        let request = client().get(&url).bearer_auth(served.token());
        match range {
            Some(range) => request.header("range", range),
            None => request,
        }
        .send()
    };
    let whole = get(None).await.unwrap();
    assert_eq!(whole.status(), 200);
    for (header, expected) in [
        ("content-type", Some("text/plain; charset=utf-8")),
        ("x-content-type-options", Some("nosniff")),
        ("cache-control", Some("no-store")),
        ("content-length", Some("999000")),
        ("hai-log-offset", Some("1000")),
        ("etag", Some("\"1000\"")),
        ("accept-ranges", Some("bytes")),
        ("content-range", None),
    ] {
        assert_eq!(text_of(&whole, header).as_deref(), expected, "{header}");
    }
    let name = text_of(&whole, "content-disposition").unwrap();
    assert!(name.ends_with("-1-0.log\""), "{name}");
    assert!(whole.bytes().await.unwrap() == bytes[1000..]);

    let other = get(Some("bytes=-5")).await.unwrap();
    assert_eq!(other.status(), 200, "ranges of other kinds are ignored");
}

/// Asks for the rest of a file of which so many bytes are there, as `curl -C -` does.
async fn resume(served: &Served, url: &str, held: usize, tag: Option<&str>) -> Response {
    let request = client().get(url).bearer_auth(served.token());
    let request = request.header("range", format!("bytes={held}-"));
    let request = match tag {
        Some(tag) => request.header("if-range", tag),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_download_of_a_whole_log_is_resumed_by_its_length() {
    let served = Served::start(ApiConfig::default()).await;
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (url, _) = logged(&served, 0, &bytes).await;
    for held in [5, 600_000] {
        let rest = resume(&served, &url, held, None).await;
        assert_eq!(rest.status(), 206);
        let expected = format!("bytes {held}-999999/1000000");
        assert_eq!(text_of(&rest, "content-range"), Some(expected));
        assert!(rest.bytes().await.unwrap() == bytes[held..]);
    }
    let beyond = resume(&served, &url, 1_000_000, None).await;
    assert_eq!(beyond.status(), 416);
    let expected = "bytes */1000000";
    assert_eq!(text_of(&beyond, "content-range").as_deref(), Some(expected));
}

#[tokio::test]
async fn after_rotation_a_download_is_resumed_rightly_or_sent_whole() {
    let served = Served::start(ApiConfig::default()).await;
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (url, dir) = logged(&served, 1000, &bytes).await;
    let whole = client().get(&url).bearer_auth(served.token());
    let whole = whole.send().await.unwrap();
    let tag = text_of(&whole, "etag").unwrap();
    let file = whole.bytes().await.unwrap();
    fs::remove_file(dir.join(format!("{:020}.log", 1000))).unwrap();
    let oldest = 500_500;

    let rest = resume(&served, &url, 600_000, Some(&tag)).await;
    assert_eq!(rest.status(), 206);
    for (header, expected) in [
        ("content-range", "bytes 600000-998999/999000"),
        ("content-length", "399000"),
        ("hai-log-offset", "601000"),
        ("etag", &tag),
    ] {
        assert_eq!(text_of(&rest, header).as_deref(), Some(expected));
    }
    assert!(rest.bytes().await.unwrap() == file[600_000..]);
    let complete = resume(&served, &url, file.len(), Some(&tag)).await;
    assert_eq!(complete.status(), 416);

    for (held, tag) in [
        (600_000, None),
        (400_000, Some(&*tag)),
        (600_000, Some("\"x\"")),
    ] {
        let whole = resume(&served, &url, held, tag).await;
        assert_eq!(whole.status(), 200, "{held} {tag:?}");
        assert_eq!(text_of(&whole, "content-range"), None);
        assert_eq!(text_of(&whole, "etag"), Some(format!("\"{oldest}\"")));
        assert!(whole.bytes().await.unwrap() == bytes[oldest..]);
    }
}

#[tokio::test]
async fn a_log_is_downloaded_by_those_who_may_read_it() {
    let served = Served::start(ApiConfig::default()).await;
    let (url, _) = logged(&served, 0, b"secret\n").await;
    let (_, stranger) = served.api.platform.user("stranger").await;
    let root = served.token();
    let base = url.strip_suffix("/runs/1/ranks/0/log").unwrap();
    for (url, token, status, code) in [
        (url.clone(), None, 401, "UNAUTHENTICATED"),
        (url.clone(), Some("ACCESS-0000"), 401, "UNAUTHENTICATED"),
        (url.clone(), Some(stranger.reveal()), 404, "NOT_FOUND"),
        (
            format!("{base}/runs/2/ranks/0/log"),
            Some(root),
            404,
            "NOT_FOUND",
        ),
        (
            format!("{base}/runs/x/ranks/0/log"),
            Some(root),
            404,
            "NOT_FOUND",
        ),
        (
            format!("{base}/runs/1/ranks/1/log"),
            Some(root),
            404,
            "NOT_FOUND",
        ),
        (
            format!("{base}/runs/1/ranks/-1/log"),
            Some(root),
            404,
            "NOT_FOUND",
        ),
        (
            format!("{base}/runs/1/ranks/..%2f0/log"),
            Some(root),
            404,
            "NOT_FOUND",
        ),
    ] {
        let request = client().get(&url);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let (found, answer) = seen(request).await;
        assert_eq!(
            (found, refusal(&answer).code.as_str()),
            (status, code),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_download_that_the_server_ends_is_seen_to_be_incomplete() {
    let served = Served::start(ApiConfig::default()).await;
    let (url, dir) = logged(&served, 0, b"xx").await;
    // Longer than what the sockets take on the way.
    let segment = dir.join(format!("{:020}.log", 1));
    let segment = OpenOptions::new().append(true).open(segment).unwrap();
    segment.set_len(256 << 20).unwrap();
    let request = client().get(url).bearer_auth(served.token());
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    served.stop.cancel();
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn every_answer_tells_browsers_what_not_to_do() {
    let served = Served::start(ApiConfig::default()).await;
    for path in ["/healthz", "/graphql", "/metrics", "/nothing"] {
        let headers = get(&served, path, "text/html").await.headers().clone();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
    }
    let answer = post(&served, r#"{ "query": "{ me { name } }" }"#)
        .send()
        .await;
    assert_eq!(answer.unwrap().headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn only_sites_on_the_list_may_ask() {
    let studio = "https://studio.example.org";
    let served = Served::start(ApiConfig {
        allowed_origins: vec![studio.parse().unwrap()],
        ..ApiConfig::default()
    })
    .await;
    let url = format!("{}/graphql", served.address);
    for (origin, allowed) in [(studio, Some(studio)), ("https://evil.example.org", None)] {
        let request = client()
            .request(reqwest::Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            );
        let answer = request.send().await.unwrap();
        let found = answer.headers().get("access-control-allow-origin");
        assert_eq!(
            found.map(|origin| origin.to_str().unwrap()),
            allowed,
            "{origin}"
        );
        let with_cookies = answer.headers().get("access-control-allow-credentials");
        assert_eq!(with_cookies.is_some(), allowed.is_some(), "{origin}");
    }
}

#[tokio::test]
async fn an_address_with_many_wrong_tokens_is_told_to_wait_and_good_ones_go_on() {
    let served = Served::start(ApiConfig::default()).await;
    let query = r#"{ "query": "{ me { name } }" }"#;
    let (_, answer) = seen(post(&served, query)).await;
    assert_eq!(answer["data"]["me"]["name"], "admin");
    let mut codes = Vec::new();
    // Agents of runs that are over are none who guess.
    let agents = std::iter::repeat_n("Bearer a.b.c", 21);
    for token in agents.chain(std::iter::repeat_n("Bearer ACCESS-0000", 21)) {
        let wrong = post(&served, query).header("x-request-id", "w");
        let request = client()
            .execute({
                let mut request = wrong.build().unwrap();
                let token = token.parse().unwrap();
                request.headers_mut().insert("authorization", token);
                request
            })
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(&request.bytes().await.unwrap()).unwrap();
        codes.push(refusal(&answer).code);
    }
    assert!(
        codes[..41].iter().all(|code| code == "UNAUTHENTICATED"),
        "{codes:?}"
    );
    assert_eq!(codes[41], "RATE_LIMITED");
    let (_, answer) = seen(post(&served, query)).await;
    assert_eq!(answer["data"]["me"]["name"], "admin");
}

#[tokio::test]
async fn a_token_beyond_its_rate_is_told_to_wait_and_agents_are_not_counted() {
    let (every, burst) = (Duration::from_secs(3600), NonZeroU32::new(2).unwrap());
    let served = Served::start(ApiConfig {
        rate: Some(Rate { every, burst }),
        ..ApiConfig::default()
    })
    .await;
    let query = r#"{ "query": "{ me { name } }" }"#;
    for _ in 0..2 {
        assert_eq!(seen(post(&served, query)).await.0, 200);
    }
    let answer = post(&served, query).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    let wait = answer.headers()["retry-after"].to_str().unwrap();
    assert!((3000..=3600).contains(&wait.parse().unwrap()), "{wait}");
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(refusal(&answer).code, "RATE_LIMITED");
    assert!(answer["errors"][0]["extensions"]["retryAfter"].is_number());
    let log = format!("{}/tasks/1/runs/1/ranks/0/log", served.address);
    let log = client().get(log).bearer_auth(served.token());
    assert_eq!(seen(log).await.0, 429, "a download is counted, too");
    let id = served.api.platform.submit("t", 1).await.id;
    served.api.platform.settle().await;
    let agent = served.api.agent_token(id, 0).await;
    let url = format!("{}/graphql", served.address);
    for _ in 0..4 {
        let renew = r#"{ "query": "mutation { renewAgentToken { token } }" }"#;
        let asked = client().post(&url).bearer_auth(&agent);
        let asked = asked.header("content-type", "application/json").body(renew);
        assert_eq!(seen(asked).await.0, 200);
    }
}
