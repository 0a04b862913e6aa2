//! What `GET /metrics` says, through the real router.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::metrics::{Overload, TickOutcome};
use domain::store::ReadFrom;
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;

use crate::config::ApiConfig;
use crate::http::sse::client::EventStream;
use crate::testing::Served;

const REQUEST: &str = "hai_request_seconds_count";

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// All samples by name and labels, of which the order means nothing.
async fn samples(served: &Served) -> BTreeMap<String, f64> {
    let url = format!("{}/metrics", served.address);
    let answer = client().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let content_type = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    read(&answer.text().await.unwrap())
}

/// Reads the text format, strictly: every sample has a type that was told before it.
fn read(text: &str) -> BTreeMap<String, f64> {
    let mut types = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(types.insert(name, kind), None, "{line}");
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(rest.starts_with("hai_"), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end).filter(|it| types.contains_key(it)));
            assert!(types.contains_key(base.unwrap_or(name)), "{line}");
            let value = value.parse().unwrap();
            assert_eq!(samples.insert(series.to_owned(), value), None, "{line}");
        }
    }
    samples
}

async fn post(served: &Served, token: &str, query: &str) {
    post_with(&client(), served, token, query).await;
}

async fn post_with(client: &Client, served: &Served, token: &str, query: &str) {
    let url = format!("{}/graphql", served.address);
    let request = client.post(url).bearer_auth(token);
    let request = request.header("content-type", "application/json");
    let body = json!({ "query": query }).to_string();
    let answer = request.body(body).send().await.unwrap();
    answer.bytes().await.unwrap();
}

fn request(operation: &str, field: &str, outcome: &str) -> String {
    format!("{REQUEST}{{operation=\"{operation}\",field=\"{field}\",outcome=\"{outcome}\"}}")
}

#[tokio::test]
async fn each_request_is_counted_by_what_it_was_and_what_came_of_it() {
    let served = Served::start(ApiConfig::default()).await;
    let token = served.token();
    post(&served, token, "{ me { name } }").await;
    post(&served, token, "query Mine { me { name } }").await;
    post(&served, "ACCESS-0000", "{ me { name } }").await;
    post(&served, token, "{ taskLog(id: 99, rank: 0) { cursor } }").await;
    post(&served, token, "mutation { stopTask(id: 99) { id } }").await;
    post(&served, token, "{ me { name } nodes { totalCount } }").await;
    post(&served, token, "nonsense").await;
    let url = format!("{}/tasks/1/runs/1/ranks/0/log", served.address);
    let download = client().get(url).send().await.unwrap();
    assert_eq!(download.status(), 401);
    let samples = samples(&served).await;
    for (series, expected) in [
        (request("query", "me", "OK"), 2.0),
        (request("query", "taskLog", "NOT_FOUND"), 1.0),
        (request("mutation", "stopTask", "NOT_FOUND"), 1.0),
        (request("query", "other", "OK"), 1.0),
        (request("other", "other", "UNAUTHENTICATED"), 1.0),
        (request("other", "other", "INVALID_INPUT"), 1.0),
        (request("download", "log", "UNAUTHENTICATED"), 1.0),
    ] {
        assert_eq!(samples.get(&series), Some(&expected), "{series}");
    }
}

#[tokio::test]
async fn names_that_clients_make_up_are_not_remembered() {
    let served = Served::start(ApiConfig::default()).await;
    let made_up = |n: u32| {
        [
            format!("query Name{n} {{ me {{ name }} }}"),
            format!("{{ madeUp{n} }}"),
            format!("{{ alias{n}: me {{ name }} }}"),
            format!("subscription {{ made{n} }}"),
        ]
    };
    let (served, client) = (&served, &client());
    let rounds = futures_util::stream::iter(0..250).for_each_concurrent(8, |n| async move {
        for query in made_up(n) {
            post_with(client, served, served.token(), &query).await;
        }
    });
    rounds.await;
    let samples = samples(served).await;
    let requests: BTreeSet<&String> = samples
        .keys()
        .filter(|series| series.starts_with(REQUEST))
        .collect();
    let expected = [
        request("query", "me", "OK"),
        request("query", "other", "INVALID_INPUT"),
        request("subscription", "other", "INVALID_INPUT"),
    ];
    assert_eq!(requests, expected.iter().collect());
    assert_eq!(samples[&expected[0]], 500.0);
}

#[tokio::test]
async fn what_is_open_is_counted_until_it_is_closed() {
    const CHANGES: &str = "subscription ($id: ID!) { taskChanged(id: $id) { state } }";
    let served = Served::start(ApiConfig::default()).await;
    let id = served.api.platform.submit("t", 1).await.id.to_string();
    let open = "hai_subscriptions_open{field=\"taskChanged\"}";
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = EventStream::root(&served, CHANGES, json!({ "id": id })).await;
        stream.data().await;
        streams.push(stream);
    }
    let during = samples(&served).await;
    assert_eq!((during[open], during["hai_shared_evaluations"]), (2.0, 1.0));
    assert_eq!(during[&request("subscription", "taskChanged", "OK")], 2.0);
    served.stop.cancel();
    for stream in &mut streams {
        while stream.hear().await.is_some() {}
    }
    drop(streams);
    served.tracker.close();
    served.tracker.wait().await;
    let after = samples(&served).await;
    assert_eq!((after[open], after["hai_shared_evaluations"]), (0.0, 0.0));
}

#[tokio::test]
async fn websockets_are_counted_while_they_are_open() {
    let served = Served::start(ApiConfig::default()).await;
    let url = format!("{}/graphql", served.address.replace("http", "ws"));
    let request = ClientRequestBuilder::new(url.parse().unwrap());
    let request = request.with_sub_protocol(transport::SUBPROTOCOL);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    // The server has opened it once it answers.
    socket.send(Message::Ping(vec![].into())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    assert_eq!(samples(&served).await["hai_websockets_open"], 1.0);
    let init = json!({ "type": "connection_init", "payload": { "token": "ACCESS-0000" } });
    socket.send(Message::text(init.to_string())).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    served.tracker.close();
    served.tracker.wait().await;
    let after = samples(&served).await;
    assert_eq!(after["hai_websockets_open"], 0.0);
    let refused = self::request("other", "other", "UNAUTHENTICATED");
    assert_eq!(after[&refused], 1.0);
}

#[tokio::test]
async fn metrics_are_there_without_a_database_and_say_how_the_platform_works() {
    let served = Served::start(ApiConfig::default()).await;
    let platform = &served.api.platform;
    let runs = platform.submit("runs", 1).await.id;
    platform.submit("waits", 1).await;
    platform.bring_up(runs).await;
    let before = samples(&served).await;
    for (series, expected) in [
        ("hai_plan_tasks{state=\"waiting\"}", 1.0),
        ("hai_plan_tasks{state=\"active\"}", 1.0),
        ("hai_plan_nodes{readiness=\"ready\"}", 1.0),
        ("hai_plan_nodes{readiness=\"disabled\"}", 0.0),
        ("hai_run_start_seconds_count", 1.0),
    ] {
        assert_eq!(before.get(series), Some(&expected), "{series}");
    }
    let sum = |name: &str| {
        let of_name = before.iter().filter(|(series, _)| series.starts_with(name));
        of_name.map(|(_, value)| value).sum::<f64>()
    };
    assert_eq!(sum("hai_queue_tasks{"), 1.0);
    assert_eq!(sum("hai_run_wait_seconds_count{"), 1.0);
    assert!(sum("hai_plan_seconds_count") > 0.0);
    assert!(sum("hai_database_pool_size{") > 0.0);
    platform.app.store.clone().close().await;
    let after = samples(&served).await;
    assert_eq!(after["hai_plan_tasks{state=\"waiting\"}"], 1.0);
    let pools = after
        .iter()
        .filter(|(series, _)| series.starts_with("hai_database_pool_size"));
    assert!(pools.map(|(_, size)| *size).all(|size| size == 0.0));
}

/// The page names every metric, and no other.
#[tokio::test]
async fn the_documented_metrics_are_the_metrics() {
    let served = Served::start(ApiConfig::default()).await;
    let platform = &served.api.platform;
    let id = platform.submit("t", 1).await.id;
    platform.bring_up(id).await;
    // What has no value at all is not shown.
    let ticks = &platform.app.metrics.workers;
    ticks.ticked("scheduler", TickOutcome::Idle, Duration::ZERO);
    platform.app.metrics.reads.note(ReadFrom::Replica);
    platform.app.metrics.load.shed(Overload::Operations);
    let query = format!("subscription {{ taskChanged(id: {id}) {{ state }} }}");
    let mut stream = EventStream::root(&served, &query, json!({})).await;
    stream.data().await;
    let url = format!("{}/metrics", served.address);
    let text = client()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let shown = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let page = include_str!("../../../docs/operations.md");
    let documented = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| name.starts_with("hai_"));
    assert_eq!(shown.collect::<BTreeSet<_>>(), documented.collect());
}
