//! Logs through the schema.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use domain::events::Event;
use domain::task::TaskId;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::testing::{Results, TestApi};

pub(super) const STAMP: &str = "[2026-01-02 03:04:05.000006] ";

const PAGE: &str = "query ($id: ID!, $rank: Int! = 0, $after: String, $first: Int! = 1000) {
    taskLog(id: $id, rank: $rank, after: $after, first: $first) {
        items { kind run time text partial lostBytes cursor } cursor hasNext
    }
}";
const FROM: &str = "query ($id: ID!, $before: String, $last: Int, $at: DateTime, $first: Int) {
    taskLog(id: $id, before: $before, last: $last, at: $at, first: $first) {
        items { text partial } startCursor cursor hasPrevious hasNext
    }
}";
const SEARCH: &str = "query ($id: ID!, $ranks: [Int!], $pattern: String!, $kind: LogPatternKind! = LITERAL,
    $caseSensitive: Boolean! = true, $after: String, $first: Int! = 100) {
    searchTaskLog(id: $id, ranks: $ranks, pattern: $pattern, kind: $kind, caseSensitive: $caseSensitive,
        after: $after, first: $first) {
        matches { rank run time leading text trailing occurrences startCursor cursor }
        cursor hasNext scannedBytes
    }
}";
pub(super) const FOLLOW: &str = "subscription ($id: ID!, $after: String) {
    taskLogAppended(id: $id, after: $after) { items { text partial } cursor ended }
}";

/// A running task that writes what the test wants.
pub(super) async fn running(api: &TestApi) -> TaskId {
    let id = api.platform.submit("t", 1).await.id;
    api.platform.bring_up(id).await;
    id
}

/// As an agent does it: append, then tell.
pub(super) fn append(api: &TestApi, id: TaskId, run: i32, text: impl AsRef<[u8]>) {
    append_to(api, id, (run, 0), text.as_ref());
}

fn append_to(api: &TestApi, id: TaskId, (run, rank): (i32, u32), text: &[u8]) {
    let app = &api.platform.app;
    let dir = app.logs.rank_dir("admin", id.0, run, rank);
    fs::create_dir_all(&dir).unwrap();
    let mut segment = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("00000000000000000000.log"))
        .unwrap();
    segment.write_all(text).unwrap();
    let rank = i32::try_from(rank).unwrap();
    app.events.publish(Event::Log(id, rank));
}

pub(super) async fn next(results: &mut Results) -> Option<Value> {
    let mut result = results.next().await?;
    assert!(result.get("errors").is_none(), "{result}");
    Some(result["data"]["taskLogAppended"].take())
}

#[tokio::test]
async fn a_log_is_read_page_by_page() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    append(&api, id, 1, format!("{STAMP}one\n{STAMP}two\n{STAMP}thr"));
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
    append(&api, id, 1, format!("{STAMP}before\n"));
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
    append(&api, id, 1, format!("{STAMP}live\n"));
    let told = next(&mut log).await.unwrap();
    assert_eq!(told["items"], json!([{ "text": "live", "partial": false }]));

    append(&api, id, 1, format!("{STAMP}last\n{STAMP}without an end"));
    api.platform.exit(id, 0, 0).await;
    api.platform.settle().await;
    let mut told = json!({ "ended": false });
    let mut items = Vec::new();
    while told["ended"] == false {
        told = next(&mut log).await.unwrap();
        items.append(told["items"].as_array_mut().unwrap());
    }
    assert_eq!(
        json!(items),
        json!([{ "text": "last", "partial": false }, { "text": "without an end", "partial": true }])
    );
    assert_eq!(next(&mut log).await, None);
}

#[tokio::test]
async fn a_follower_who_comes_back_misses_nothing_and_sees_nothing_twice() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    append(&api, id, 1, format!("{STAMP}one\n"));
    let token = &api.platform.root_token;
    let mut log = api.follow(token, FOLLOW, json!({ "id": id.to_string() }));
    let cursor = next(&mut log).await.unwrap()["cursor"].take();
    drop(log);
    append(&api, id, 1, format!("{STAMP}two\n"));
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
    append(&api, id, 1, format!("{STAMP}10 %"));
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

pub(super) fn texts(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_log_is_read_from_its_end_and_from_a_moment() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    for second in 1..=5 {
        let line = format!("[2026-01-02 03:04:0{second}.000000] line {second}\n");
        append(&api, id, 1, line);
    }
    let id = id.to_string();
    let ask = async |mut variables: Value| {
        variables["id"] = json!(id);
        api.root(FROM, variables).await["taskLog"].take()
    };
    let last = ask(json!({ "last": 2 })).await;
    assert_eq!(texts(&last), ["line 4", "line 5"]);
    assert_eq!(
        (&last["hasPrevious"], &last["hasNext"]),
        (&json!(true), &json!(false))
    );
    let before = ask(json!({ "last": 2, "before": last["startCursor"] })).await;
    assert_eq!(texts(&before), ["line 2", "line 3"]);
    assert_eq!(before["cursor"], last["startCursor"]);
    assert_eq!(before["hasNext"], true);

    let moment = "2026-01-02T03:04:03Z";
    let since = ask(json!({ "at": moment, "first": 2 })).await;
    assert_eq!(texts(&since), ["line 3", "line 4"]);
    assert_eq!(since["hasPrevious"], true);
    let until = ask(json!({ "at": moment, "last": 1 })).await;
    assert_eq!(texts(&until), ["line 2"]);
    assert_eq!(until["cursor"], since["startCursor"]);

    for (variables, field) in [
        (json!({ "id": id, "before": "1.5.0" }), "before"),
        (json!({ "id": id, "first": 1, "last": 1 }), "last"),
        (json!({ "id": id, "at": moment, "before": "1.0.0" }), "at"),
    ] {
        let refusal = api.refusal(&api.platform.root_token, FROM, variables).await;
        assert_eq!(refusal.field.as_deref(), Some(field));
    }
}

#[tokio::test]
async fn a_search_finds_lines_in_some_or_all_ranks_and_goes_on_where_it_stopped() {
    let api = TestApi::with_nodes(2).await;
    let id = api.platform.submit("t", 2).await.id;
    api.platform.bring_up(id).await;
    append(
        &api,
        id,
        1,
        format!("{STAMP}Loss 1\n{STAMP}other\n{STAMP}my loss: 2, loss\n"),
    );
    append_to(&api, id, (1, 1), format!("{STAMP}loss.3\n").as_bytes());
    let id = id.to_string();
    let ask = async |mut variables: Value| {
        variables["id"] = json!(id);
        api.root(SEARCH, variables).await["searchTaskLog"].take()
    };
    let found = |answer: &Value| {
        let matches = answer["matches"].as_array().unwrap().clone();
        let of = |item: &Value| {
            (
                item["rank"].as_i64().unwrap(),
                item["text"].as_str().unwrap().to_owned(),
            )
        };
        matches.iter().map(of).collect::<Vec<_>>()
    };
    let hit = |rank, text: &str| (rank, text.to_owned());

    let mut all = ask(json!({ "pattern": "loss" })).await;
    assert_eq!(found(&all), [hit(0, "loss"), hit(1, "loss")]);
    assert_eq!(
        (&all["hasNext"], &all["scannedBytes"]),
        (&json!(false), &json!(153))
    );
    let first = all["matches"][0].take();
    let expected = json!({
        "rank": 0, "run": 1, "time": "2026-01-02T03:04:05.000006+00:00", "leading": "my ", "text": "loss",
        "trailing": ": 2, loss", "occurrences": 2, "startCursor": "1.0.71", "cursor": "1.0.117",
    });
    assert_eq!(first, expected);
    let page = json!({ "id": id, "after": first["startCursor"], "first": 1 });
    assert_eq!(
        texts(&api.root(PAGE, page).await["taskLog"]),
        ["my loss: 2, loss"]
    );

    let any_case = json!({ "pattern": "loss.\\d", "kind": "REGEX", "caseSensitive": false });
    assert_eq!(
        found(&ask(any_case).await),
        [hit(0, "Loss 1"), hit(1, "loss.3")]
    );
    let literally = json!({ "pattern": "loss.", "ranks": [1, 1] });
    assert_eq!(found(&ask(literally).await), [hit(1, "loss.")]);

    let part = ask(json!({ "pattern": "loss", "first": 1 })).await;
    assert_eq!(
        (found(&part), &part["hasNext"]),
        (vec![hit(0, "loss")], &json!(true))
    );
    let rest = ask(json!({ "pattern": "loss", "after": part["cursor"] })).await;
    assert_eq!(
        (found(&rest), &rest["hasNext"]),
        (vec![hit(1, "loss")], &json!(false))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_search_is_named() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await.to_string();
    for (variables, field) in [
        (json!({ "pattern": "" }), "pattern"),
        (json!({ "pattern": "(", "kind": "REGEX" }), "pattern"),
        (
            json!({ "pattern": "(a{1000}){1000}", "kind": "REGEX" }),
            "pattern",
        ),
        (json!({ "pattern": "x", "ranks": [0, 1] }), "ranks"),
        (json!({ "pattern": "x", "ranks": [] }), "ranks"),
        (json!({ "pattern": "x", "after": "1.1.0" }), "after"),
        (json!({ "pattern": "x", "after": "x" }), "after"),
        (json!({ "pattern": "x", "first": 501 }), "first"),
    ] {
        let mut variables = variables;
        variables["id"] = json!(id);
        let refusal = api
            .refusal(&api.platform.root_token, SEARCH, variables)
            .await;
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            ("INVALID_INPUT", Some(field))
        );
    }
    let (_, stranger) = api.platform.user("stranger").await;
    let variables = json!({ "id": id, "pattern": "x" });
    assert_eq!(
        api.refusal(&stranger, SEARCH, variables).await.code,
        "NOT_FOUND"
    );
}

/// The text of the lines from the beginning or from the end, whatever pages and pieces they come in.
async fn whole_lines(api: &TestApi, id: TaskId, from_the_end: bool) -> Vec<String> {
    let mut pages = Vec::new();
    let mut variables = json!({ "id": id.to_string() });
    loop {
        let page = if from_the_end {
            variables["last"] = json!(3);
            api.root(FROM, variables.clone()).await["taskLog"].take()
        } else {
            variables["first"] = json!(3);
            api.root(PAGE, variables.clone()).await["taskLog"].take()
        };
        let (place, cursor, more) = match from_the_end {
            true => ("before", "startCursor", "hasPrevious"),
            false => ("after", "cursor", "hasNext"),
        };
        variables[place] = page[cursor].clone();
        let is_last = page[more] == false;
        pages.push(page);
        if is_last {
            break;
        }
    }
    if from_the_end {
        pages.reverse();
    }
    let mut lines = vec![String::new()];
    for item in pages
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
    {
        let text = item["text"].as_str().unwrap();
        assert!(text.len() <= 192 * 1024, "no piece is long");
        lines.last_mut().unwrap().push_str(text);
        if item["partial"] == false {
            lines.push(String::new());
        }
    }
    assert_eq!(lines.pop().as_deref(), Some(""), "the last line has an end");
    lines
}

/// What readers may do with it is theirs: the markers, the carriage returns and the picture are all there.
#[tokio::test]
async fn whatever_a_command_prints_comes_as_it_is() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let picture = format!("[HFAI_PRINT:IMAGE]{}", "iVBORw0KGgo=".repeat(60_000));
    let endless = "no end in sight, ".repeat(200_000);
    let printed = [
        "[HFAI_PRINT:TQDM] 10%|#         | 1/10",
        "[HFAI_PRINT:TQDM] 20%|##        | 2/10",
        "plain bar: 10%\rplain bar: 20%\r",
        &picture,
        "",
        &endless,
        "\u{1b}[31mred\u{1b}[0m\tand a NUL: \0",
    ];
    for line in printed {
        append(&api, id, 1, format!("{STAMP}{line}\n"));
    }
    append(
        &api,
        id,
        1,
        [STAMP.as_bytes(), b"caf\xe9 \xff\xfe \xe2\x82\n"].concat(),
    );
    for from_the_end in [false, true] {
        let lines = whole_lines(&api, id, from_the_end).await;
        let (undecodable, decodable) = lines.split_last().unwrap();
        assert!(decodable == printed, "from the end: {from_the_end}");
        assert_eq!(undecodable, "caf\u{fffd} \u{fffd}\u{fffd} \u{fffd}");
    }
}
