//! Logs through the schema.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use domain::events::Event;
use domain::task::TaskId;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::testing::{Results, TestApi};

const STAMP: &str = "[2026-01-02 03:04:05.000006] ";

const PAGE: &str = "query ($id: ID!, $rank: Int! = 0, $after: String, $first: Int! = 1000) {
    taskLog(id: $id, rank: $rank, after: $after, first: $first) {
        items { kind run time text partial lostBytes cursor } cursor hasNext
    }
}";
const FOLLOW: &str = "subscription ($id: ID!, $after: String) {
    taskLogAppended(id: $id, after: $after) { items { text partial } cursor ended }
}";

/// A running task that writes what the test wants.
async fn running(api: &TestApi) -> TaskId {
    let id = api.platform.submit("t", 1).await.id;
    api.platform.bring_up(id).await;
    id
}

/// As an agent does it: append, then tell.
fn append(api: &TestApi, id: TaskId, run: i32, text: &str) {
    let app = &api.platform.app;
    let dir = app.logs.rank_dir("admin", id.0, run, 0);
    fs::create_dir_all(&dir).unwrap();
    let mut segment = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("00000000000000000000.log"))
        .unwrap();
    segment.write_all(text.as_bytes()).unwrap();
    app.events.publish(Event::Log(id));
}

async fn next(results: &mut Results) -> Option<Value> {
    let mut result = results.next().await?;
    assert!(result.get("errors").is_none(), "{result}");
    Some(result["data"]["taskLogAppended"].take())
}

#[tokio::test]
async fn a_log_is_read_page_by_page() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    append(&api, id, 1, &format!("{STAMP}one\n{STAMP}two\n{STAMP}thr"));
    let id = id.to_string();
    let mut page = api.root(PAGE, json!({ "id": id, "first": 1 })).await["taskLog"].take();
    assert_eq!(page["hasNext"], true);
    assert_eq!(page["cursor"], page["items"][0]["cursor"]);
    page["items"][0]["cursor"].take();
    assert_eq!(
        page["items"],
        json!([{
            "kind": "LINE", "run": 1, "time": "2026-01-02T03:04:05.000006+00:00", "text": "one",
            "partial": false, "lostBytes": null, "cursor": null,
        }])
    );
    let rest = api
        .root(PAGE, json!({ "id": id, "after": page["cursor"] }))
        .await;
    let items = rest["taskLog"]["items"].as_array().unwrap();
    let texts: Vec<_> = items
        .iter()
        .map(|item| (&item["text"], &item["partial"]))
        .collect();
    assert_eq!(
        texts,
        [
            (&json!("two"), &json!(false)),
            (&json!("thr"), &json!(true))
        ]
    );
    assert_eq!(rest["taskLog"]["hasNext"], false);
}

#[tokio::test]
async fn what_is_wrong_with_a_question_for_a_log_is_named() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await.to_string();
    for (variables, field) in [
        (json!({ "id": id, "after": "nonsense" }), "after"),
        (json!({ "id": id, "after": "1.5.0" }), "after"),
        (json!({ "id": id, "rank": 1 }), "rank"),
        (json!({ "id": id, "rank": -1 }), "rank"),
        (json!({ "id": id, "first": 0 }), "first"),
        (json!({ "id": id, "first": 1001 }), "first"),
    ] {
        let refusal = api.refusal(&api.platform.root_token, PAGE, variables).await;
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            ("INVALID_INPUT", Some(field))
        );
    }
    let (_, stranger) = api.platform.user("stranger").await;
    let refusal = api.refusal(&stranger, PAGE, json!({ "id": id })).await;
    assert_eq!(refusal.code, "NOT_FOUND");
}

#[tokio::test]
async fn a_followed_log_gives_lines_as_they_come_and_ends_with_its_task() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    append(&api, id, 1, &format!("{STAMP}before\n"));
    let mut log = api.follow(
        &api.platform.root_token,
        FOLLOW,
        json!({ "id": id.to_string() }),
    );
    let told = next(&mut log).await.unwrap();
    assert_eq!(
        told["items"],
        json!([{ "text": "before", "partial": false }])
    );
    assert_eq!(told["ended"], false);
    append(&api, id, 1, &format!("{STAMP}live\n"));
    let told = next(&mut log).await.unwrap();
    assert_eq!(told["items"], json!([{ "text": "live", "partial": false }]));

    append(&api, id, 1, &format!("{STAMP}last\n{STAMP}without an end"));
    api.platform.exit(id, 0, 0).await;
    api.platform.settle().await;
    let told = next(&mut log).await.unwrap();
    assert_eq!(
        told["items"],
        json!([{ "text": "last", "partial": false }, { "text": "without an end", "partial": true }])
    );
    assert_eq!(told["ended"], true);
    assert_eq!(next(&mut log).await, None);
}

#[tokio::test]
async fn a_follower_who_comes_back_misses_nothing_and_sees_nothing_twice() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    append(&api, id, 1, &format!("{STAMP}one\n"));
    let token = &api.platform.root_token;
    let mut log = api.follow(token, FOLLOW, json!({ "id": id.to_string() }));
    let cursor = next(&mut log).await.unwrap()["cursor"].take();
    drop(log);
    append(&api, id, 1, &format!("{STAMP}two\n"));
    let mut log = api.follow(
        token,
        FOLLOW,
        json!({ "id": id.to_string(), "after": cursor }),
    );
    let told = next(&mut log).await.unwrap();
    assert_eq!(told["items"], json!([{ "text": "two", "partial": false }]));
}

/// Takes as long as an unfinished line is held back.
#[tokio::test]
async fn an_unfinished_line_is_given_out_after_a_while_and_goes_on_later() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    append(&api, id, 1, &format!("{STAMP}10 %"));
    let mut log = api.follow(
        &api.platform.root_token,
        FOLLOW,
        json!({ "id": id.to_string() }),
    );
    let told = next(&mut log).await.unwrap();
    assert_eq!(told["items"], json!([{ "text": "10 %", "partial": true }]));
    append(&api, id, 1, ", done\n");
    let told = next(&mut log).await.unwrap();
    assert_eq!(
        told["items"],
        json!([{ "text": ", done", "partial": false }])
    );
}

#[tokio::test]
async fn a_log_that_cannot_be_followed_says_why_at_once() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await.to_string();
    let variables = json!({ "id": id, "after": "nonsense" });
    let mut log = api.follow(&api.platform.root_token, FOLLOW, variables);
    let refusal = crate::testing::refusal(&log.next().await.unwrap());
    assert_eq!(
        (refusal.code.as_str(), refusal.field.as_deref()),
        ("INVALID_INPUT", Some("after"))
    );
    assert_eq!(log.next().await, None);
}
