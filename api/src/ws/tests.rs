//! The server's side of graphql-transport-ws on a real loopback socket.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::Client;
use crate::config::{ApiConfig, Limits, Rate, Timing};
use crate::testing::{Served, Session};

/// Short, for what is about waiting in vain.
const SHORT: Duration = Duration::from_millis(50);
/// Long enough for any machine.
const LONG: Duration = Duration::from_secs(60);

/// For tests that must not meet a timeout.
fn patient() -> ApiConfig {
    let timing = Timing {
        init: LONG,
        heartbeat: LONG,
        goodbye: LONG,
        recheck: LONG,
        ..Timing::default()
    };
    ApiConfig {
        timing,
        ..ApiConfig::default()
    }
}

const LIVE: &str = "subscription { tasksChanged { name } }";

#[tokio::test]
async fn queries_and_mutations_have_one_result() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    client.subscribe("1", "{ me { name } }").await;
    assert_eq!(
        client.hear().await,
        json!({ "type": "next", "id": "1", "payload": { "data": { "me": { "name": "admin" } } } })
    );
    assert_eq!(
        client.hear().await,
        json!({ "type": "complete", "id": "1" })
    );
    let create = "mutation { createUser(input: { name: \"ana\" }) { user { name } } }";
    client.subscribe("1", create).await;
    let result = client.hear().await;
    assert_eq!(
        result["payload"]["data"]["createUser"]["user"]["name"],
        "ana"
    );
    assert_eq!(client.hear().await["type"], "complete");
}

#[tokio::test]
async fn live_results_come_until_the_client_wants_no_more() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    let id = served.api.platform.submit("t", 1).await.id;
    let query = format!("subscription {{ taskChanged(id: {id}) {{ state }} }}");
    client.subscribe("live", &query).await;
    let told = |state| {
        let data = json!({ "taskChanged": { "state": state } });
        json!({ "type": "next", "id": "live", "payload": { "data": data } })
    };
    assert_eq!(client.hear().await, told("WAITING_INIT"));
    served.api.platform.bring_up(id).await;
    while client.hear_of_success().await != told("RUNNING") {}
    client
        .say(json!({ "type": "complete", "id": "live" }))
        .await;
    // The answer to a ping comes after everything that was said before; the id is free again.
    client.subscribe("live", "{ me { name } }").await;
    let mut last = client.hear().await;
    while last["payload"]["data"]["me"] == Value::Null {
        assert_eq!(last["type"], "next");
        last = client.hear().await;
    }
    assert_eq!(
        client.hear().await,
        json!({ "type": "complete", "id": "live" })
    );
}

#[tokio::test]
async fn a_live_operation_completes_by_itself() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    let id = served.api.platform.submit("t", 1).await.id;
    client
        .subscribe(
            "1",
            &format!("mutation {{ stopTask(id: {id}) {{ state }} }}"),
        )
        .await;
    assert_eq!(
        client.hear().await["payload"]["data"]["stopTask"]["state"],
        "FINISHED"
    );
    assert_eq!(client.hear().await["type"], "complete");
    client
        .subscribe(
            "2",
            &format!("subscription {{ taskChanged(id: {id}) {{ state }} }}"),
        )
        .await;
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(
        client.hear().await,
        json!({ "type": "complete", "id": "2" })
    );
}

#[tokio::test]
async fn an_operation_that_fails_leaves_the_connection_alone() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    for (query, code) in [
        ("nonsense", "INVALID_INPUT"),
        ("{ unknown }", "INVALID_INPUT"),
        (
            "subscription { taskChanged(id: 99) { state } }",
            "NOT_FOUND",
        ),
        ("subscription { agentOrders { desired } }", "FORBIDDEN"),
        ("mutation { stopTask(id: 99) { id } }", "NOT_FOUND"),
    ] {
        client.subscribe("1", query).await;
        let error = client.hear().await;
        assert_eq!(
            (&error["type"], &error["id"]),
            (&json!("error"), &json!("1")),
            "{query}"
        );
        assert_eq!(error["payload"][0]["extensions"]["code"], code, "{query}");
    }
    client.subscribe("1", "{ me { name } }").await;
    assert_eq!(client.hear().await["type"], "next");
}

#[tokio::test]
async fn a_client_without_a_token_is_welcome_to_the_schema_only() {
    let served = Served::start(patient()).await;
    let mut client = Client::welcome(&served, Value::Null).await;
    client
        .subscribe("1", "{ __schema { queryType { name } } }")
        .await;
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(client.hear().await["type"], "complete");
    client.subscribe("1", "{ me { name } }").await;
    let error = client.hear().await;
    assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn clients_of_others_introduce_themselves_with_the_header_of_http() {
    let served = Served::start(patient()).await;
    for key in ["Authorization", "authorization"] {
        let payload = json!({ key: format!("Bearer {}", served.token()), "lang": "en" });
        let mut client = Client::welcome(&served, payload).await;
        client.subscribe("1", "{ me { name } }").await;
        assert_eq!(
            client.hear().await["payload"]["data"]["me"]["name"],
            "admin"
        );
    }
}

#[tokio::test]
async fn the_token_is_checked_for_every_operation() {
    let served = Served::start(patient()).await;
    let platform = &served.api.platform;
    let id = platform.submit("t", 1).await.id;
    platform.bring_up(id).await;
    let token = served.api.agent_token(id, 0).await;
    let mut client = Client::welcome(&served, json!({ "token": token })).await;
    let report = "mutation { reportRank(input: { logEnd: 1, started: true }) }";
    client.subscribe("1", report).await;
    assert_eq!(client.hear().await["payload"]["data"]["reportRank"], true);
    assert_eq!(client.hear().await["type"], "complete");
    platform.exit(id, 0, 0).await;
    platform.settle().await;
    client.subscribe("2", report).await;
    let error = client.hear().await;
    assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_live_operation_ends_when_its_token_is_revoked() {
    let mut config = patient();
    config.timing.recheck = SHORT;
    let served = Served::start(config).await;
    let platform = &served.api.platform;
    let (ana, token) = platform.user("ana").await;
    let document = platform.document("t", 1);
    let id = platform.submit_document(&ana, document).await.unwrap().id;
    let query = format!("subscription {{ taskChanged(id: {id}) {{ state }} }}");
    let mut client = Client::welcome(&served, json!({ "token": token.reveal() })).await;
    let mut other = Client::root(&served).await;
    for client in [&mut client, &mut other] {
        client.subscribe("1", &query).await;
        assert_eq!(client.hear().await["type"], "next");
    }
    platform.revoke_tokens(&ana).await;
    let error = client.hear().await;
    assert_eq!(error["type"], "error");
    assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let stop = format!("mutation {{ stopTask(id: {id}) {{ id }} }}");
    served.api.root(&stop, json!({})).await;
    let told = other.hear().await;
    assert_eq!(told["payload"]["data"]["taskChanged"]["state"], "FINISHED");
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn a_ping_is_answered_at_any_time() {
    let served = Served::start(patient()).await;
    let mut client = Client::connect(&served).await;
    client
        .say(json!({ "type": "ping", "payload": { "n": 7 } }))
        .await;
    assert_eq!(
        client.hear().await,
        json!({ "type": "pong", "payload": { "n": 7 } })
    );
    client.say(json!({ "type": "pong" })).await;
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn what_the_protocol_does_not_know_closes_with_4400() {
    let served = Served::start(patient()).await;
    for message in [
        Message::text("nonsense"),
        Message::text(r#"{"type":"start","id":"1"}"#),
        Message::text(r#"{"type":"connection_init","payload":{"token":7}}"#),
        Message::text(r#"{"type":"connection_init","payload":{"Authorization":7}}"#),
        Message::binary(vec![1]),
        Message::text(" ".repeat((1 << 20) + 1)),
    ] {
        let mut client = Client::connect(&served).await;
        client.0.send(message).await.unwrap();
        assert_eq!(client.closed().await, 4400);
    }
}

#[tokio::test]
async fn an_operation_before_the_welcome_closes_with_4401() {
    let served = Served::start(patient()).await;
    let mut client = Client::connect(&served).await;
    client.subscribe("1", "{ me { name } }").await;
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn a_token_that_is_not_good_closes_with_4403() {
    let served = Served::start(patient()).await;
    for payload in [
        json!({ "token": "ACCESS-0000" }),
        json!({ "token": "" }),
        json!({ "Authorization": "Basic YTpi" }),
    ] {
        let mut client = Client::connect(&served).await;
        client
            .say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(client.closed().await, 4403);
    }
}

#[tokio::test]
async fn a_client_that_speaks_something_else_closes_with_4406() {
    let served = Served::start(patient()).await;
    assert_eq!(Client::offer(&served, None).await.closed().await, 4406);
}

#[tokio::test]
async fn a_client_that_does_not_introduce_itself_closes_with_4408() {
    let mut config = patient();
    config.timing.init = SHORT;
    let served = Served::start(config).await;
    let client = Client::connect(&served).await;
    assert_eq!(client.closed().await, 4408);
}

#[tokio::test]
async fn an_id_that_is_in_use_closes_with_4409() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    client.subscribe("1", LIVE).await;
    client.subscribe("1", LIVE).await;
    assert_eq!(client.closed().await, 4409);
}

#[tokio::test]
async fn too_many_introductions_or_operations_close_with_4429() {
    let limits = Limits {
        operations: 2,
        ..Limits::default()
    };
    let served = Served::start(ApiConfig {
        limits,
        ..patient()
    })
    .await;
    let mut client = Client::root(&served).await;
    client.say(json!({ "type": "connection_init" })).await;
    assert_eq!(client.closed().await, 4429);
    let mut client = Client::root(&served).await;
    for id in ["1", "2", "3"] {
        client.subscribe(id, LIVE).await;
    }
    assert_eq!(client.closed().await, 4429);
}

#[tokio::test]
async fn a_server_that_shuts_down_says_goodbye_and_leaves_nothing_behind() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    client.subscribe("1", LIVE).await;
    served.stop.cancel();
    assert_eq!(client.closed().await, 1001);
    served.tracker.close();
    served.tracker.wait().await;
}

#[tokio::test]
async fn the_operations_of_a_client_end_with_it() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    client.subscribe("1", LIVE).await;
    client.subscribe("2", "{ me { name } }").await;
    while client.hear_of_success().await["type"] != "complete" {}
    drop(client);
    served.tracker.close();
    served.tracker.wait().await;
}

#[tokio::test]
async fn a_goodbye_is_returned() {
    let served = Served::start(patient()).await;
    let mut client = Client::root(&served).await;
    client.0.close(None).await.unwrap();
    assert!(matches!(client.0.next().await, Some(Ok(Message::Close(_)))));
    assert!(client.0.next().await.is_none());
}

#[tokio::test]
async fn a_client_that_gives_no_sign_of_life_is_taken_for_dead() {
    let mut config = patient();
    config.timing.heartbeat = SHORT;
    let served = Served::start(config).await;
    let client = Client::root(&served).await;
    // Its library answers pings only while somebody reads.
    served.tracker.close();
    served.tracker.wait().await;
    drop(client);
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let mut config = patient();
    // Far longer than the way of a ping and its answer on a busy machine.
    config.timing.heartbeat = Duration::from_millis(500);
    let served = Served::start(config).await;
    let mut client = Client::root(&served).await;
    let mut n_pings = 0;
    while n_pings < 3 {
        match client.0.next().await.unwrap().unwrap() {
            Message::Ping(_) => n_pings += 1,
            other => panic!("{other:?}"),
        }
    }
}

/// Many live logs with far more than fits into the queue and the sockets: the client's other operation is served all
/// the same.
#[tokio::test]
async fn a_busy_operation_does_not_keep_another_one_waiting() {
    let served = Served::start(patient()).await;
    let platform = &served.api.platform;
    let id = platform.submit("t", 1).await.id;
    platform.bring_up(id).await;
    let dir = platform.app.logs.rank_dir("admin", id.0, 1, 0);
    std::fs::create_dir_all(&dir).unwrap();
    let line = "x".repeat(1000) + "\n";
    std::fs::write(dir.join("00000000000000000000.log"), line.repeat(40_000)).unwrap();
    let mut client = Client::root(&served).await;
    let query = format!("subscription {{ taskLogAppended(id: {id}) {{ items {{ text }} }} }}");
    client.subscribe("busy", &query).await;
    client.hear().await;
    client.subscribe("other", "{ me { name } }").await;
    let mut n_pages = 1;
    while client.hear_of_success().await["id"] == "busy" {
        n_pages += 1;
    }
    assert!(n_pages < 100, "{n_pages} pages came first");
}

#[tokio::test]
async fn our_own_client_is_understood() {
    let served = Served::start(patient()).await;
    let refused = transport::Connection::open(&served.address, Some("ACCESS-0000")).await;
    assert!(matches!(refused, Err(transport::Error::Unauthenticated(_))));
    let connection = transport::Connection::open(&served.address, Some(served.token()))
        .await
        .unwrap();
    let id = served.api.platform.submit("t", 1).await.id;
    let query = "subscription ($id: ID!) { taskChanged(id: $id) { state } }";
    let operation = transport::Operation::new(query).variable("id", id.to_string());
    let mut task = connection.subscribe(operation);
    let first = task.next().await.unwrap().unwrap();
    assert_eq!(first["taskChanged"]["state"], "WAITING_INIT");
    let operation = transport::Operation::new("mutation ($id: ID!) { stopTask(id: $id) { id } }");
    connection
        .execute(operation.variable("id", id.to_string()))
        .await
        .unwrap();
    let last = task.next().await.unwrap().unwrap();
    assert_eq!(last["taskChanged"]["state"], "FINISHED");
    assert!(task.next().await.is_none());
    let failed = connection
        .execute(transport::Operation::new("{ taskLog(id: 99) { cursor } }"))
        .await;
    assert_eq!(failed.unwrap_err().code(), Some("NOT_FOUND"));
    connection.close().await;
}

#[tokio::test]
async fn a_browser_is_known_by_its_cookie_on_pages_of_the_server_only() {
    let recheck = Timing {
        recheck: SHORT,
        ..patient().timing
    };
    let served = Served::start(ApiConfig {
        timing: recheck,
        ..patient()
    })
    .await;
    let session = Session::begin(&served).await;
    let cookie = session.cookie.as_str();
    for (cookie, origin) in [
        (cookie, "https://evil.example.org"),
        ("hai-session=a.b.c", served.address.as_str()),
    ] {
        let client = Client::browse(&served, cookie, origin).await;
        assert_eq!(client.closed().await, 4403, "{cookie}, {origin}");
    }
    let mut client = Client::browse(&served, cookie, &served.address).await;
    assert_eq!(client.hear().await["type"], "connection_ack");
    // What has begun goes on when the cookie has run out, for as long as the session is open.
    served.api.platform.clock.advance(TimeDelta::minutes(16));
    client.subscribe("1", "{ me { name } }").await;
    let answer = client.hear_of_success().await;
    assert_eq!(answer["payload"]["data"]["me"]["name"], "admin");
    assert_eq!(client.hear().await["type"], "complete");
    client.subscribe("2", LIVE).await;
    session.end_all(&served).await;
    let error = client.hear().await;
    assert_eq!(error["type"], "error");
    let code = &error["payload"][0]["extensions"]["code"];
    assert_eq!(code, "UNAUTHENTICATED");
}

#[tokio::test]
async fn operations_beyond_the_rate_of_a_token_are_refused_and_the_connection_goes_on() {
    let rate = Some(Rate {
        every: LONG,
        burst: NonZeroU32::MIN,
    });
    let served = Served::start(ApiConfig { rate, ..patient() }).await;
    let mut client = Client::root(&served).await;
    client.subscribe("1", "{ me { name } }").await;
    assert_eq!(client.hear_of_success().await["type"], "next");
    assert_eq!(client.hear().await["type"], "complete");
    client.subscribe("2", "{ me { name } }").await;
    let error = client.hear().await;
    let code = &error["payload"][0]["extensions"]["code"];
    assert_eq!(code, "RATE_LIMITED");
    client.say(json!({ "type": "ping" })).await;
    assert_eq!(client.hear().await["type"], "pong");
}
