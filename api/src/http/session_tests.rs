//! Sessions of browsers from the outside, over HTTP.

use std::time::Duration;

use chrono::TimeDelta;
use domain::session::Ticket;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::auth::Bearer;
use crate::config::{ApiConfig, Timing};
use crate::http::Proxies;
use crate::testing::{Served, Session, refusal, statements_of};

const STUDIO: &str = "https://studio.example.org";
const EVIL: &str = "https://evil.example.org";
const ME: &str = r#"{ "query": "{ me { name } }" }"#;

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// With the studio on another site.
async fn served() -> Served {
    Served::start(ApiConfig {
        allowed_origins: vec![STUDIO.parse().unwrap()],
        ..ApiConfig::default()
    })
    .await
}

fn request(
    served: &Served,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> RequestBuilder {
    let request = client().request(method, format!("{}{path}", served.address));
    let request = request.header("content-type", "application/json");
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

/// What a browser of a session sends from a page of the server.
fn browse(served: &Served, method: Method, path: &str, cookie: &str) -> RequestBuilder {
    let headers = [("origin", served.address.as_str()), ("cookie", cookie)];
    request(served, method, path, &headers)
}

fn enter(served: &Served, code: &str, headers: &[(&str, &str)]) -> RequestBuilder {
    let body = json!({ "code": code }).to_string();
    request(served, Method::POST, "/session", headers).body(body)
}

/// The status, the code of the error if there is one, and the answer.
async fn seen(request: RequestBuilder) -> (u16, String, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = match answer.get("errors") {
        Some(_) => refusal(&answer).code,
        None => "OK".to_owned(),
    };
    (status, code, answer)
}

fn cookie_of(response: &Response) -> String {
    response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_code_becomes_a_cookie_that_is_good_until_the_browser_signs_out() {
    let served = served().await;
    let code = Session::code(&served).await;
    let own = [("origin", served.address.as_str())];
    let entered = enter(&served, &code.to_lowercase(), &own)
        .send()
        .await
        .unwrap();
    assert_eq!(entered.status(), 200);
    let set = cookie_of(&entered);
    let told: Value = serde_json::from_slice(&entered.bytes().await.unwrap()).unwrap();
    let (cookie, attributes) = set.split_once(';').unwrap();
    let expected = " Path=/; Max-Age=43200; HttpOnly; SameSite=Strict";
    assert_eq!(attributes, expected, "{told}");
    assert!(
        told["id"].is_string() && told["expiresAt"].is_string(),
        "{told}"
    );
    assert!(!told.to_string().contains(cookie.split_once('=').unwrap().1));

    let (_, _, answer) = seen(browse(&served, Method::POST, "/graphql", cookie).body(ME)).await;
    assert_eq!(answer["data"]["me"]["name"], "admin");
    let (status, code, _) = seen(enter(&served, &code, &own)).await;
    assert_eq!((status, code.as_str()), (401, "UNAUTHENTICATED"), "once");

    let out = browse(&served, Method::DELETE, "/session", cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), 204);
    assert!(cookie_of(&out).starts_with("hai-session=; Path=/; Max-Age=0;"));
    let (_, code, _) = seen(browse(&served, Method::POST, "/graphql", cookie).body(ME)).await;
    assert_eq!(code, "UNAUTHENTICATED");
    let log = "{ auditLog { nodes { action user object address } } }";
    let log = served.api.root(log, json!({})).await["auditLog"]["nodes"].take();
    let actions = [&log[0]["action"], &log[1]["action"], &log[2]["action"]];
    assert_eq!(
        actions,
        ["closeSession", "openSession", "createSessionCode"]
    );
    assert_eq!(
        (&log[1]["user"], &log[1]["address"]),
        (&json!("admin"), &json!("127.0.0.1"))
    );
}

#[tokio::test]
async fn a_cookie_that_has_run_out_can_only_be_made_anew() {
    let served = served().await;
    let old = Session::begin(&served).await.cookie;
    served.api.platform.clock.advance(TimeDelta::minutes(15));
    let me = |cookie: &str| browse(&served, Method::POST, "/graphql", cookie).body(ME);
    assert_eq!(seen(me(&old)).await.1, "UNAUTHENTICATED");
    let refresh = |cookie: &str| browse(&served, Method::POST, "/session/refresh", cookie);
    let anew = refresh(&old).send().await.unwrap();
    assert_eq!(anew.status(), 200);
    let set = cookie_of(&anew);
    let new = set.split(';').next().unwrap();
    assert_eq!(seen(me(new)).await.1, "OK");
    Session {
        cookie: old.clone(),
    }
    .end_all(&served)
    .await;
    for cookie in [&old, new] {
        let (status, code, _) = seen(refresh(cookie)).await;
        assert_eq!((status, code.as_str()), (401, "UNAUTHENTICATED"));
        assert_eq!(seen(me(cookie)).await.1, "UNAUTHENTICATED");
    }
    let none = request(
        &served,
        Method::POST,
        "/session/refresh",
        &[("origin", &served.address)],
    );
    assert_eq!(seen(none).await.0, 401);
}

#[tokio::test]
async fn a_cookie_is_good_from_pages_of_the_server_and_of_the_list_only() {
    let served = served().await;
    let cookie = Session::begin(&served).await.cookie;
    let own = served.address.as_str();
    for (header, value, allowed) in [
        ("origin", own, true),
        ("origin", STUDIO, true),
        ("sec-fetch-site", "same-origin", true),
        ("origin", EVIL, false),
        ("origin", "null", false),
        ("sec-fetch-site", "same-site", false),
        ("sec-fetch-site", "none", false),
        ("x-nothing", "at all", false),
    ] {
        let headers = [("cookie", cookie.as_str()), (header, value)];
        let ask = |method, path: &str| request(&served, method, path, &headers);
        let expected = |code: &str| {
            if allowed {
                code.to_owned()
            } else {
                "FORBIDDEN".to_owned()
            }
        };
        let (_, code, _) = seen(ask(Method::POST, "/graphql").body(ME)).await;
        assert_eq!(code, expected("OK"), "{header}: {value}");
        let events = ask(Method::POST, "/graphql").header("accept", "text/event-stream");
        let events = events.body(ME).send().await.unwrap().text().await.unwrap();
        assert_eq!(events.contains("admin"), allowed, "{events}");
        let (_, code, _) = seen(ask(Method::GET, "/tasks/9/runs/1/ranks/0/log")).await;
        assert_eq!(code, expected("NOT_FOUND"), "{header}: {value}");
        let (_, code, _) = seen(ask(Method::POST, "/session/refresh")).await;
        assert_eq!(code, expected("OK"), "{header}: {value}");
    }
    let headers = [("cookie", cookie.as_str()), ("origin", EVIL)];
    let out = request(&served, Method::DELETE, "/session", &headers);
    assert_eq!(seen(out).await.1, "FORBIDDEN");
    // Who knows a token needs no cookie, and no page of the server.
    let with_token =
        request(&served, Method::POST, "/graphql", &headers).bearer_auth(served.token());
    assert_eq!(seen(with_token.body(ME)).await.1, "OK");
}

#[tokio::test]
async fn what_a_form_can_send_is_refused() {
    let served = served().await;
    let cookie = Session::begin(&served).await.cookie;
    let code = Session::code(&served).await;
    let body = json!({ "code": code }).to_string();
    for (path, body) in [
        ("/graphql", ME),
        ("/session", &body),
        ("/session/refresh", "{}"),
    ] {
        for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
            let request = client()
                .post(format!("{}{path}", served.address))
                .header("origin", &served.address)
                .header("cookie", &cookie)
                .header("content-type", content_type)
                .body(body.to_owned());
            let (status, code, _) = seen(request).await;
            assert_eq!((status, code.as_str()), (415, "INVALID_INPUT"), "{path}");
        }
    }
    for body in ["", "{}", "[]", r#"{ "code": "a", "more": 1 }"#] {
        let own = [("origin", served.address.as_str())];
        let request = request(&served, Method::POST, "/session", &own).body(body);
        assert_eq!(seen(request).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn browsers_sign_in_over_tls_or_on_one_machine_unless_more_was_asked_for() {
    let served = served().await;
    let secure = "https://hai.example.org";
    for (origin, status) in [
        (secure, 200),
        (STUDIO, 200),
        ("http://hai.example.org", 403),
        (EVIL, 403),
    ] {
        let code = Session::code(&served).await;
        let headers = [("host", "hai.example.org"), ("origin", origin)];
        let entered = enter(&served, &code, &headers).send().await.unwrap();
        assert_eq!(entered.status(), status, "{origin}");
        if status != 200 {
            assert!(!entered.headers().contains_key("set-cookie"));
            continue;
        }
        let set = cookie_of(&entered);
        assert!(
            set.starts_with("__Host-hai-session=") && set.ends_with("; Secure"),
            "{set}"
        );
        let cookie = set.split(';').next().unwrap();
        let headers = [headers[0], headers[1], ("cookie", cookie)];
        let me = request(&served, Method::POST, "/graphql", &headers).body(ME);
        assert_eq!(seen(me).await.1, "OK");
    }
    let served = served.again(ApiConfig {
        insecure_cookies: true,
        ..ApiConfig::default()
    });
    let served = served.await;
    let code = Session::code(&served).await;
    let headers = [
        ("host", "hai.example.org"),
        ("origin", "http://hai.example.org"),
    ];
    assert_eq!(seen(enter(&served, &code, &headers)).await.0, 200);
}

#[tokio::test]
async fn an_address_with_many_wrong_codes_or_cookies_waits_and_a_session_goes_on() {
    for is_code in [true, false] {
        let served = served().await;
        let cookie = Session::begin(&served).await.cookie;
        let ended = Session::begin(&served).await.cookie;
        browse(&served, Method::DELETE, "/session", &ended)
            .send()
            .await
            .unwrap();
        let me = |cookie: &str| browse(&served, Method::POST, "/graphql", cookie).body(ME);
        // What was signed by us is not guessed: a browser may come back with it often.
        for _ in 0..30 {
            assert_eq!(seen(me(&ended)).await.1, "UNAUTHENTICATED");
        }
        let own = [("origin", served.address.as_str())];
        let wrong = || match is_code {
            true => enter(&served, "0000-0000-0000", &own),
            false => me("hai-session=a.b.c"),
        };
        for _ in 0..20 {
            assert_eq!(seen(wrong()).await.1, "UNAUTHENTICATED");
        }
        let answer = wrong().send().await.unwrap();
        assert_eq!(answer.status(), 429);
        assert!(answer.headers().contains_key("retry-after"));
        let code = Session::code(&served).await;
        assert_eq!(seen(enter(&served, &code, &own)).await.0, 429);
        assert_eq!(seen(me(&cookie)).await.1, "OK");
    }
}

#[tokio::test]
async fn a_stream_of_a_browser_ends_with_its_session() {
    let timing = Timing {
        recheck: Duration::from_millis(50),
        ..Timing::default()
    };
    let served = Served::start(ApiConfig {
        timing,
        ..ApiConfig::default()
    })
    .await;
    let session = Session::begin(&served).await;
    let query = json!({ "query": "subscription { tasksChanged { name } }" });
    let stream = browse(&served, Method::POST, "/graphql", &session.cookie)
        .header("accept", "text/event-stream")
        .body(query.to_string());
    let stream = stream.send().await.unwrap();
    session.end_all(&served).await;
    let told = stream.text().await.unwrap();
    assert!(
        told.contains("UNAUTHENTICATED") && told.contains("complete"),
        "{told}"
    );
}

#[tokio::test]
async fn who_has_a_session_is_found_out_with_one_statement() {
    let served = served().await;
    let cookie = Session::begin(&served).await.cookie;
    let (_, text) = cookie.split_once('=').unwrap();
    let ticket = Ticket::read(&served.api.platform.app.keys, text).unwrap();
    let bearer = Bearer::of_session(ticket, Default::default());
    let check = async || served.api.engine.sign_in(&bearer).await.unwrap();
    assert_eq!(statements_of(check()).await, 1);
}

#[tokio::test]
async fn a_session_opens_no_other_and_the_cookie_is_no_bearer_token() {
    let served = served().await;
    let cookie = Session::begin(&served).await.cookie;
    let make = r#"{ "query": "mutation { createSessionCode(input: {}) { code } }" }"#;
    let made = browse(&served, Method::POST, "/graphql", &cookie).body(make);
    assert_eq!(seen(made).await.1, "FORBIDDEN");
    let (_, text) = cookie.split_once('=').unwrap();
    let as_token = request(&served, Method::POST, "/graphql", &[]).bearer_auth(text);
    assert_eq!(seen(as_token.body(ME)).await.1, "UNAUTHENTICATED");
}

#[tokio::test]
async fn only_a_trusted_proxy_says_where_a_browser_comes_from_and_how() {
    let proxy = |trusted: &str| ApiConfig {
        proxies: Proxies {
            trusted: vec![trusted.parse().unwrap()],
            ..Proxies::default()
        },
        ..ApiConfig::default()
    };
    let mut served = Served::start(proxy("10.0.0.0/8")).await;
    for (trusted, address, is_secure) in [
        ("10.0.0.0/8", "127.0.0.1", false),
        ("127.0.0.0/8", "198.51.100.7", true),
    ] {
        served = served.again(proxy(trusted)).await;
        let origin = served
            .address
            .replacen("http", "https", usize::from(is_secure));
        let code = Session::code(&served).await;
        let headers = [
            ("origin", &*origin),
            ("x-forwarded-for", "203.0.113.1, 198.51.100.7"),
            ("x-forwarded-proto", "https"),
        ];
        let entered = enter(&served, &code, &headers).send().await.unwrap();
        assert_eq!(entered.status(), 200, "{trusted}");
        let told = entered.headers().get("strict-transport-security");
        assert_eq!(told.is_some(), is_secure);
        let set = cookie_of(&entered);
        assert_eq!(set.ends_with("; Secure"), is_secure, "{set}");
        let opened =
            "{ auditLog(first: 1, filter: {actions: [\"openSession\"]}) { nodes { address } } }";
        let opened = served.api.root(opened, json!({})).await;
        assert_eq!(opened["auditLog"]["nodes"][0]["address"], address);
    }
}
