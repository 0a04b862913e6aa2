//! Event streams from the outside, over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{EventStream, Told};
use crate::config::{ApiConfig, Limits, Timing};
use crate::testing::Served;

/// Short, for what is about waiting in vain.
const SHORT: Duration = Duration::from_millis(50);

const LIVE: &str = "subscription { tasksChanged { name } }";
const ONE: &str = "subscription ($id: ID!) { taskChanged(id: $id) { state } }";

/// The code of the only error of a result.
fn code(told: Option<Told>) -> Value {
    match told {
        Some(Told::Next(mut result)) => {
            assert_eq!(result["errors"].as_array().map(Vec::len), Some(1));
            result["errors"][0]["extensions"]["code"].take()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_query_has_one_result_and_then_the_end() {
    let served = Served::start(ApiConfig::default()).await;
    let mut stream = EventStream::root(&served, "{ me { name } }", json!({})).await;
    assert_eq!(stream.response.status(), 200);
    let headers = stream.response.headers();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["cache-control"], "no-cache");
    assert_eq!(headers["x-accel-buffering"], "no");
    let result = json!({ "data": { "me": { "name": "admin" } } });
    assert_eq!(stream.hear().await, Some(Told::Next(result)));
    assert_eq!(stream.hear().await, Some(Told::Complete));
    assert_eq!(stream.hear().await, None);
}

#[tokio::test]
async fn live_results_come_as_events_until_their_end() {
    let served = Served::start(ApiConfig::default()).await;
    let platform = &served.api.platform;
    let id = platform.submit("t", 1).await.id;
    let mut stream = EventStream::root(&served, ONE, json!({ "id": id.to_string() })).await;
    assert_eq!(stream.data().await["taskChanged"]["state"], "WAITING_INIT");
    platform.bring_up(id).await;
    while stream.data().await["taskChanged"]["state"] != "RUNNING" {}
    platform.exit(id, 0, 0).await;
    platform.settle().await;
    while stream.data().await["taskChanged"]["state"] != "FINISHED" {}
    assert_eq!(stream.hear().await, Some(Told::Complete));
    assert_eq!(stream.hear().await, None);
}

#[tokio::test]
async fn what_is_wrong_with_an_operation_is_told_as_a_result() {
    let limits = Limits {
        aliases: 1,
        ..Limits::default()
    };
    let served = Served::start(ApiConfig {
        limits,
        ..ApiConfig::default()
    })
    .await;
    for (query, expected) in [
        ("nonsense", "INVALID_INPUT"),
        ("{ unknown }", "INVALID_INPUT"),
        ("{ a: me { name } b: me { name } }", "INVALID_INPUT"),
        (
            "subscription { taskChanged(id: 99) { state } }",
            "NOT_FOUND",
        ),
        ("subscription { agentOrders { desired } }", "FORBIDDEN"),
    ] {
        let mut stream = EventStream::root(&served, query, json!({})).await;
        assert_eq!(stream.response.status(), 200, "{query}");
        assert_eq!(code(stream.hear().await), expected, "{query}");
        assert_eq!(stream.hear().await, Some(Told::Complete), "{query}");
        assert_eq!(stream.hear().await, None, "{query}");
    }
}

#[tokio::test]
async fn a_token_is_needed_and_must_be_a_bearer_token() {
    let served = Served::start(ApiConfig::default()).await;
    for authorization in [None, Some("Bearer ACCESS-0000"), Some("Basic YTpi")] {
        let mut stream = EventStream::open(&served, authorization, LIVE, json!({})).await;
        assert_eq!(code(stream.hear().await), "UNAUTHENTICATED");
        assert_eq!(stream.hear().await, Some(Told::Complete));
    }
}

#[tokio::test]
async fn whoever_likes_json_better_gets_json() {
    let served = Served::start(ApiConfig::default()).await;
    for (accept, expected) in [
        ("application/json, text/event-stream", "application/json"),
        ("*/*", "application/json"),
        ("text/event-stream, application/json", "text/event-stream"),
        ("Text/Event-Stream;q=0.9, */*", "text/event-stream"),
    ] {
        let response = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(format!("{}/graphql", served.address))
            .bearer_auth(served.token())
            .header("accept", accept)
            .header("content-type", "application/json")
            .body(json!({ "query": "{ me { name } }" }).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], expected, "{accept}");
    }
}

#[tokio::test]
async fn a_stream_without_results_gives_signs_of_life() {
    let timing = Timing {
        heartbeat: SHORT,
        ..Timing::default()
    };
    let served = Served::start(ApiConfig {
        timing,
        ..ApiConfig::default()
    })
    .await;
    let mut stream = EventStream::root(&served, LIVE, json!({})).await;
    for _ in 0..3 {
        assert_eq!(stream.hear().await, Some(Told::Comment));
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let timing = Timing {
        recheck: SHORT,
        ..Timing::default()
    };
    let served = Served::start(ApiConfig {
        timing,
        ..ApiConfig::default()
    })
    .await;
    let platform = &served.api.platform;
    let (ana, token) = platform.user("ana").await;
    let document = platform.document("t", 1);
    let id = platform.submit_document(&ana, document).await.unwrap().id;
    let variables = json!({ "id": id.to_string() });
    let authorization = format!("Bearer {}", token.reveal());
    let mut stream = EventStream::open(&served, Some(&authorization), ONE, variables.clone()).await;
    let mut other = EventStream::root(&served, ONE, variables).await;
    for stream in [&mut stream, &mut other] {
        assert_eq!(stream.data().await["taskChanged"]["state"], "WAITING_INIT");
    }
    platform.revoke_tokens(&ana).await;
    assert_eq!(code(stream.hear().await), "UNAUTHENTICATED");
    assert_eq!(stream.hear().await, Some(Told::Complete));
    assert_eq!(stream.hear().await, None);
    let stop = format!("mutation {{ stopTask(id: {id}) {{ id }} }}");
    served.api.root(&stop, json!({})).await;
    assert_eq!(other.data().await["taskChanged"]["state"], "FINISHED");
}

/// Without `complete`: there is more, only not here and now.
#[tokio::test]
async fn a_server_that_shuts_down_breaks_off_and_leaves_nothing_behind() {
    let served = Served::start(ApiConfig::default()).await;
    let mut stream = EventStream::root(&served, LIVE, json!({})).await;
    served.stop.cancel();
    assert_eq!(stream.hear().await, None);
    served.tracker.close();
    served.tracker.wait().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_client() {
    let served = Served::start(ApiConfig::default()).await;
    let stream = EventStream::root(&served, LIVE, json!({})).await;
    drop(stream);
    served.tracker.close();
    served.tracker.wait().await;
}
