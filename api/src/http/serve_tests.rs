//! Who is let in, and what becomes of clients that are too many or too slow, on real loopback sockets.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::{ApiConfig, Capacity, Limits, Timing};
use crate::testing::Served;
use crate::ws::client::Client as Socket;

/// Short, for what is about waiting in vain.
const SHORT: Duration = Duration::from_millis(50);

fn with(capacity: Capacity) -> ApiConfig {
    ApiConfig {
        capacity,
        ..ApiConfig::default()
    }
}

fn hasty(timing: Timing) -> ApiConfig {
    ApiConfig {
        timing,
        ..ApiConfig::default()
    }
}

/// A connection as it is.
struct Raw(TcpStream);

impl Raw {
    async fn connect(served: &Served) -> Self {
        let address = served.address.trim_start_matches("http://");
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn get(&mut self, path: &str) -> (u16, String) {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n"))
            .await;
        self.hear().await
    }

    /// Status and text of the next answer, which has a length.
    async fn hear(&mut self) -> (u16, String) {
        let mut text = Vec::new();
        loop {
            let heard = String::from_utf8_lossy(&text).into_owned();
            if let Some((head, body)) = heard.split_once("\r\n\r\n") {
                let lengths = head.lines().filter_map(|line| line.split_once(": "));
                let mut lengths = lengths.filter(|(name, _)| *name == "content-length");
                let length: usize = lengths.next().unwrap().1.parse().unwrap();
                if body.len() >= length {
                    return (heard[9..12].parse().unwrap(), heard);
                }
            }
            let mut part = [0; 4096];
            let count = self.0.read(&mut part).await.unwrap();
            assert_ne!(count, 0, "the connection ended behind {heard:?}");
            text.extend_from_slice(&part[..count]);
        }
    }

    /// The status of what comes, whether it was asked for or not.
    async fn get_or_refusal(mut self) -> u16 {
        let asked = "GET /graphql HTTP/1.1\r\nhost: h\r\n\r\n";
        let _ = self.0.write_all(asked.as_bytes()).await;
        self.hear().await.0
    }

    /// All that still comes until the connection is closed.
    async fn rest(mut self) -> String {
        let mut rest = Vec::new();
        // One that is reset is closed as well.
        let _ = self.0.read_to_end(&mut rest).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}

async fn post(served: &Served, token: &str, body: Value) -> (reqwest::Response, u16) {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/graphql", served.address));
    let request = request
        .bearer_auth(token)
        .header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    let status = answer.status().as_u16();
    (answer, status)
}

async fn json_of(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

fn assert_turned_away(answer: &Value) {
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "UNAVAILABLE", "{answer}");
    let wait = extensions["retryAfter"].as_f64().unwrap();
    assert!((1.0..=2.0).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_who_looks_after_the_platform_is_let_in() {
    let served = Served::start(with(Capacity {
        connections: 16,
        connections_per_address: 2,
        ..Capacity::default()
    }))
    .await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(&served).await;
        assert_eq!(raw.get("/graphql").await.0, 405);
        open.push(raw);
    }
    let mut of_reserve = Raw::connect(&served).await;
    assert_eq!(of_reserve.get("/healthz").await.0, 200);
    let mut refused = Raw::connect(&served).await;
    let (status, text) = refused.hear().await;
    assert_eq!(status, 503);
    assert!(text.contains("retry-after: "), "{text}");
    assert!(
        text.contains("too many connections of this address"),
        "{text}"
    );
    assert_eq!(refused.rest().await, "");
    let (status, text) = of_reserve.get("/graphql").await;
    assert_eq!(status, 503);
    assert!(text.contains("connection: close"), "{text}");
    assert_eq!(of_reserve.rest().await, "");
    drop(open.pop());
    // The server may not have seen yet that it is gone.
    while Raw::connect(&served).await.get_or_refusal().await != 405 {}
}

#[tokio::test]
async fn on_a_connection_of_the_reserve_only_an_agent_is_welcomed() {
    let served = Served::start(with(Capacity {
        connections: 16,
        connections_per_address: 0,
        ..Capacity::default()
    }))
    .await;
    let id = served.api.platform.submit("t", 1).await.id;
    served.api.platform.bring_up(id).await;
    let token = served.api.agent_token(id, 0).await;
    let mut person = Socket::connect(&served).await;
    let init = json!({ "type": "connection_init", "payload": { "token": served.token() } });
    person.say(init).await;
    assert_eq!(person.closed().await, 1001);
    let mut agent = Socket::welcome(&served, json!({ "token": token })).await;
    agent
        .subscribe("1", "subscription { agentOrders { desired } }")
        .await;
    assert_eq!(agent.hear_of_success().await["type"], "next");
}

#[tokio::test]
async fn people_are_turned_away_with_a_time_and_an_agent_goes_on() {
    let served = Served::start(with(Capacity {
        operations_per_token: 0,
        ..Capacity::default()
    }))
    .await;
    let id = served.api.platform.submit("t", 1).await.id;
    served.api.platform.bring_up(id).await;
    let query = json!({ "query": "{ me { name } }" });
    let (answer, status) = post(&served, served.token(), query).await;
    assert_eq!(status, 503);
    let wait = answer.headers()["retry-after"].to_str().unwrap();
    assert!(["1", "2"].contains(&wait), "{wait}");
    assert_turned_away(&json_of(answer).await);
    let mut person = Socket::root(&served).await;
    for id in ["1", "2"] {
        person.subscribe(id, "{ me { name } }").await;
        let told = person.hear().await;
        assert_eq!((&told["type"], &told["id"]), (&json!("error"), &json!(id)));
        assert_turned_away(&json!({ "errors": told["payload"] }));
    }
    let token = served.api.agent_token(id, 0).await;
    let renew = json!({ "query": "mutation { renewAgentToken }" });
    let (answer, status) = post(&served, &token, renew).await;
    assert_eq!(status, 200);
    assert!(json_of(answer).await["data"]["renewAgentToken"].is_string());
    let client = Client::builder().no_proxy().build().unwrap();
    let metrics = client.get(format!("{}/metrics", served.address));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let shed = "hai_shed_total{reason=\"operations_of_one\"} 3";
    assert!(metrics.contains(shed), "{metrics}");
}

#[tokio::test]
async fn subscriptions_of_a_token_have_a_bound_and_those_that_are_open_go_on() {
    let served = Served::start(with(Capacity {
        subscriptions_per_token: 1,
        ..Capacity::default()
    }))
    .await;
    let id = served.api.platform.submit("t", 1).await.id;
    let query = format!("subscription {{ taskChanged(id: {id}) {{ state }} }}");
    let mut client = Socket::root(&served).await;
    client.subscribe("1", &query).await;
    assert_eq!(client.hear().await["type"], "next");
    client.subscribe("2", &query).await;
    let told = client.hear().await;
    assert_eq!(told["type"], "error");
    assert_turned_away(&json!({ "errors": told["payload"] }));
    client.say(json!({ "type": "complete", "id": "1" })).await;
    loop {
        client.subscribe("3", &query).await;
        // The place is free when the server has ended the first.
        if client.hear().await["type"] == "next" {
            break;
        }
    }
}

#[tokio::test]
async fn what_is_long_is_answered_like_everything_else() {
    let served = Served::start(ApiConfig::default()).await;
    served.api.platform.submit("t", 1).await;
    let long = "{ tasks(first: 500) { nodes { id name state runs { nodes { number } } } } }";
    let (answer, status) = post(&served, served.token(), json!({ "query": long })).await;
    assert_eq!(status, 200);
    let name = |answer: &Value| answer["data"]["tasks"]["nodes"][0]["name"].clone();
    assert_eq!(name(&json_of(answer).await), "t");
    let mut client = Socket::root(&served).await;
    client.subscribe("1", long).await;
    assert_eq!(name(&client.hear().await["payload"]), "t");
    assert_eq!(client.hear().await["type"], "complete");
    let wide = json!({ "query": "{ me { name } }", "variables": { "x": "x".repeat(200_000) } });
    let (answer, status) = post(&served, served.token(), wide).await;
    assert_eq!(status, 200);
    assert_eq!(json_of(answer).await["data"]["me"]["name"], "admin");
}

#[tokio::test]
async fn a_document_that_takes_too_long_to_read_is_refused_unread() {
    let limits = Limits {
        document_bytes: 100,
        ..Limits::default()
    };
    let served = Served::start(ApiConfig {
        limits,
        ..ApiConfig::default()
    })
    .await;
    let long = format!("{{ me {{ {} }} }}", "name ".repeat(30));
    let (answer, _) = post(&served, served.token(), json!({ "query": long })).await;
    let error = &json_of(answer).await["errors"][0];
    assert_eq!(error["extensions"]["code"], "INVALID_INPUT");
    let message = "the document has 161 bytes, at most 100 are accepted";
    assert_eq!(error["message"], message);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_not_waited_for() {
    let served = Served::start(hasty(Timing {
        body: SHORT,
        ..Timing::default()
    }))
    .await;
    let mut raw = Raw::connect(&served).await;
    raw.say("POST /graphql HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        .await;
    let (status, text) = raw.hear().await;
    assert_eq!(status, 408);
    assert!(text.contains("did not arrive within 1 s"), "{text}");
    assert_eq!(raw.rest().await, "");
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let served = Served::start(hasty(Timing {
        head: SHORT,
        ..Timing::default()
    }))
    .await;
    let mut idle = Raw::connect(&served).await;
    assert_eq!(idle.get("/healthz").await.0, 200);
    assert_eq!(idle.rest().await, "");
    let mut slow = Raw::connect(&served).await;
    slow.say("GET /healthz HTTP/1.1\r\nx-part: of a head").await;
    let rest = slow.rest().await;
    assert!(
        rest.is_empty() || rest.starts_with("HTTP/1.1 408"),
        "{rest}"
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let served = Served::start(hasty(Timing {
        stall: SHORT,
        ..Timing::default()
    }))
    .await;
    let mut slow = Raw::connect(&served).await;
    // Far more than the kernel keeps for it.
    for _ in 0..64 {
        slow.say("GET /graphiql/graphiql.min.js HTTP/1.1\r\nhost: h\r\n\r\n")
            .await;
    }
    let client = Client::builder().no_proxy().build().unwrap();
    loop {
        let metrics = client.get(format!("{}/metrics", served.address));
        let metrics = metrics.send().await.unwrap().text().await.unwrap();
        // It is this client's own.
        if metrics.contains("hai_connections_open 1\n") {
            break;
        }
    }
    drop(slow);
}
