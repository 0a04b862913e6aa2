//! `logs`: where it begins, which run it shows, and what stands in front of a line.

use std::fs::File;
use std::sync::{Mutex, mpsc};

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Asked, Platform, Then, finished, line, task},
    program::Machine,
    session::Session,
};

/// Lines 1 to 3 are of run 1, the others of run 2; line 4 is so long that it is two items.
fn items() -> Vec<Value> {
    let item = |text: &str, run: u32, cursor: usize| {
        let mut item = line(text);
        item["run"] = json!(run);
        item["cursor"] = json!(cursor.to_string());
        item
    };
    let mut items = vec![
        item("one", 1, 1),
        item("two", 1, 2),
        item("three", 1, 3),
        item("fo", 2, 4),
        item("ur", 2, 5),
        item("five", 2, 6),
    ];
    items[3]["partial"] = json!(true);
    items[4]["time"] = Value::Null;
    items
}

fn place(asked: &Asked, name: &str) -> Option<usize> {
    asked.variables[name].as_str()?.parse().ok()
}

/// A task with that log, of which a page has at most two items.
fn log() -> Platform {
    Platform::start(|asked| match asked.name.as_str() {
        "FindTask" => {
            let mut task = finished("7", "SUCCEEDED", 0);
            task["runs"] = runs();
            Answer::Data(json!({ "task": task }))
        }
        "ReadLog" => {
            let all = items();
            let begin = place(asked, "after").unwrap_or(0);
            let end = all.len().min(begin + 2);
            Answer::Data(json!({ "taskLog": {
                "items": all[begin..end], "cursor": end.to_string(), "hasNext": end < all.len(),
            } }))
        }
        "CountBack" => {
            let all = items();
            let last = asked.variables["last"].as_u64().unwrap() as usize;
            let end = place(asked, "before").unwrap_or(all.len());
            let begin = end.saturating_sub(last.min(2));
            let times = all[begin..end]
                .iter()
                .map(|item| json!({ "time": item["time"] }));
            Answer::Data(json!({ "taskLog": {
                "items": times.collect::<Vec<_>>(), "startCursor": begin.to_string(),
                "cursor": end.to_string(), "hasPrevious": begin > 0,
            } }))
        }
        "FindMoment" => Answer::Data(json!({ "taskLog": { "startCursor": "2" } })),
        "DescribeTask" => {
            let mut runs = runs();
            runs["pageInfo"] = json!({ "hasNextPage": false, "endCursor": null });
            Answer::Data(json!({ "task": { "schema": {}, "runs": runs } }))
        }
        "FollowTask" => Answer::Events(vec![], Then::Silence),
        "FollowLog" => {
            let after = place(asked, "after").unwrap_or(0);
            let event = json!({ "items": items()[after..], "cursor": "6", "ended": true });
            Answer::Events(vec![json!({ "taskLogAppended": event })], Then::Silence)
        }
        other => panic!("{other}"),
    })
}

fn runs() -> Value {
    let run = |number: u32, created: &str| {
        json!({
            "number": number, "state": "ENDED", "drainReason": null, "outcome": "SUCCEEDED",
            "stopCode": 0, "exitCode": 0, "message": null, "startMessage": null, "priority": "HIGH",
            "createdAt": created, "startedAt": null, "endedAt": null,
        })
    };
    let nodes = [
        run(2, "2026-11-23T18:43:43Z"),
        run(1, "2026-11-23T17:00:00Z"),
    ];
    json!({ "nodes": nodes, "totalCount": 2 })
}

#[test]
fn the_tail_is_counted_in_lines_from_the_end() {
    let platform = log();
    let machine = Machine::logged_in(&platform);
    let tail = |lines: &str| {
        let ended = machine.run(&["logs", "7", "--no-stamp", "--tail", lines]);
        ended.succeeds().to_owned()
    };
    assert_eq!(tail("0"), "");
    assert_eq!(tail("1"), "five\n");
    assert_eq!(tail("2"), "four\nfive\n");
    assert_eq!(tail("4"), "two\nthree\nfour\nfive\n");
    assert_eq!(tail("4000000"), "one\ntwo\nthree\nfour\nfive\n");
    let most = platform.asked_for("CountBack").pop().unwrap();
    assert_eq!(
        most.variables["last"], 1000,
        "no page is larger than allowed"
    );
}

#[test]
fn a_moment_is_a_time_or_so_long_ago() {
    let platform = log();
    let machine = Machine::logged_in(&platform);
    for since in ["2026-11-23T18:43", "10m"] {
        let ended = machine.run(&["logs", "7", "--no-stamp", "--since", since]);
        assert_eq!(ended.succeeds(), "three\nfour\nfive\n");
    }
    let asked = platform.asked_for("FindMoment");
    assert_eq!(asked[0].variables["at"], "2026-11-23T18:43:00Z");
    let wrong = machine.run(&["logs", "7", "--since", "yesterday"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("30s, 10m, 2h or 1d"), "{wrong:?}");
}

#[test]
fn following_begins_at_the_tail_or_the_moment() {
    let machine = Machine::logged_in(&log());
    let followed = machine.run(&["logs", "7", "-f", "--tail", "1"]);
    assert_eq!(followed.succeeds(), "[2026-11-23 18:43:43.000000] five\n");
    let followed = machine.run(&["logs", "7", "-f", "--since", "1d", "--no-stamp"]);
    assert_eq!(followed.succeeds(), "three\nfour\nfive\n");
}

#[test]
fn one_run_is_shown_alone_and_a_wrong_one_is_told() {
    let platform = log();
    let machine = Machine::logged_in(&platform);
    let of_run = |run: &str| machine.run(&["logs", "7", "--no-stamp", "--run", run]);
    assert_eq!(
        of_run("1").succeeds(),
        "three\n",
        "from the moment of its start"
    );
    assert_eq!(
        platform.asked_for("ReadLog").len(),
        1,
        "nothing behind it is read"
    );
    assert_eq!(of_run("2").succeeds(), "four\nfive\n");
    let asked = &platform.asked_for("FindMoment")[1].variables;
    assert_eq!(asked["at"], "2026-11-23T18:33:43Z", "the clocks may differ");
    of_run("3").fails(4, &["task 7 has no run 3", "`hai-cli describe 7`"]);
    assert_eq!(machine.run(&["logs", "7", "-f", "--run", "1"]).code, 2);
}

#[test]
fn a_long_log_on_its_way_to_a_file_shows_how_far_it_is_and_leaves_nothing_behind() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let platform = Platform::start(move |asked| match (asked.name.as_str(), asked.before) {
        ("FindTask", _) => Answer::Data(json!({ "task": task("7", "train.py", "RUNNING") })),
        ("ReadLog", before) => {
            if before > 0 {
                wait.lock().unwrap().recv().unwrap();
            }
            Answer::Data(json!({ "taskLog": {
                "items": [line("a")], "cursor": "a", "hasNext": before == 0,
            } }))
        }
        other => panic!("{other:?}"),
    });
    let machine = Machine::logged_in(&platform);
    let path = machine.work().join("log.txt");
    let out = File::create(&path).unwrap();
    let mut session = Session::start_into(&machine, &["logs", "7", "--no-stamp"], out);
    session.await_text("reading the log of task 7: 1 lines");
    go_on.send(()).unwrap();
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown:?}");
    assert!(shown.ends_with("\x1b[2K"), "{shown:?}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "a\na\n");
}
