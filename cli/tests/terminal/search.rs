//! `search`: what is found in which logs, and the sign of life meanwhile.

use std::sync::{Mutex, mpsc};

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Asked, Platform, task},
    program::Machine,
    session::Session,
};

/// A line of this rank and run with `nan` in it.
fn found(rank: u32, run: u32) -> Value {
    json!({
        "rank": rank, "run": run, "time": "2026-11-23T18:43:43Z", "leading": "loss ", "text": "nan",
        "trailing": format!(" of {rank}"), "occurrences": 1, "startCursor": "s", "cursor": "c",
    })
}

fn page(matches: &[Value], next: Option<&str>) -> Answer {
    Answer::Data(json!({ "searchTaskLog": {
        "matches": matches, "cursor": next.unwrap_or("end"), "hasNext": next.is_some(), "scannedBytes": 64 << 20,
    } }))
}

/// Two tasks of two ranks. In the log of `a` are three lines on two pages, of which one is empty; in `b` is nothing.
fn two_tasks() -> Platform {
    Platform::start(|asked| match asked.name.as_str() {
        "FindTask" => find(asked),
        "SearchLog" if asked.variables["pattern"] == "(" => {
            Answer::Refusal("INVALID_INPUT", "the pattern is not complete")
        }
        "SearchLog" => match (
            asked.variables["id"].as_str(),
            asked.variables["after"].as_str(),
        ) {
            (Some("1"), None) => page(&[found(0, 1)], Some("1")),
            (Some("1"), Some("1")) => page(&[], Some("2")),
            (Some("1"), Some("2")) => page(&[found(1, 1), found(1, 2)], None),
            _ => page(&[], None),
        },
        other => panic!("{other}"),
    })
}

fn find(asked: &Asked) -> Answer {
    let mut found = match asked.variables["name"].as_str() {
        Some("a") => task("1", "a", "RUNNING"),
        Some("b") => task("2", "b", "FINISHED"),
        _ => return Answer::Data(json!({ "task": null })),
    };
    found["nodeCount"] = json!(2);
    Answer::Data(json!({ "task": found }))
}

const STAMP: &str = "[2026-11-23 18:43:43.000000] loss nan of";

#[test]
fn lines_are_found_over_all_pages_with_their_rank_and_their_task() {
    let platform = two_tasks();
    let machine = Machine::logged_in(&platform);
    let all = format!("rank 0: {STAMP} 0\nrank 1: {STAMP} 1\nrank 1: {STAMP} 1\n");
    assert_eq!(machine.run(&["search", "nan", "a"]).succeeds(), all);
    let asked = &platform.asked_for("SearchLog")[0].variables;
    assert_eq!(asked["kind"], "LITERAL");
    assert_eq!(
        (&asked["caseSensitive"], &asked["ranks"]),
        (&json!(true), &Value::Null)
    );
    let both = machine.run(&["search", "nan", "b", "a", "--run", "2"]);
    assert_eq!(both.succeeds(), format!("a rank 1: {STAMP} 1\n"));
    let one = machine.run(&["search", "-iE", "n.n", "a", "--limit", "1", "-r", "0"]);
    assert_eq!(one.succeeds(), format!("{STAMP} 0\n"));
    let asked = &platform.asked().pop().unwrap().variables;
    assert_eq!(
        (&asked["kind"], &asked["first"]),
        (&json!("REGEX"), &json!(1))
    );
    assert_eq!(
        (&asked["caseSensitive"], &asked["ranks"]),
        (&json!(false), &json!([0]))
    );
}

#[test]
fn the_exit_code_says_whether_something_was_found() {
    let machine = Machine::logged_in(&two_tasks());
    let nothing = machine.run(&["search", "nan", "b"]);
    assert_eq!(
        (nothing.code, nothing.out.as_str(), nothing.err.as_str()),
        (1, "", "")
    );
    machine
        .run(&["search", "(", "-E", "a"])
        .fails(2, &["the pattern is not complete"]);
    machine
        .run(&["search", "nan", "c"])
        .fails(4, &["no task named `c`"]);
    let half = machine.run(&["search", "nan", "c", "a", "--run", "2"]);
    assert_eq!(half.code, 4, "{half:?}");
    assert_eq!(half.out, format!("a rank 1: {STAMP} 1\n"), "{half:?}");
}

#[test]
fn for_programs_each_line_is_an_object_with_its_task() {
    let machine = Machine::logged_in(&two_tasks());
    let ended = machine.run(&["search", "nan", "a", "--json"]);
    let lines: Vec<Value> = ended
        .succeeds()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    let mut expected = found(1, 2);
    expected["task"] = json!({ "id": "1", "name": "a" });
    assert_eq!(lines[2], expected);
}

#[test]
fn a_long_search_shows_on_a_terminal_how_far_it_is_and_what_it_found_in_colour() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let platform = Platform::start(move |asked| match (asked.name.as_str(), asked.before) {
        ("FindTask", _) => find(asked),
        ("SearchLog", 0) => page(&[found(0, 1)], Some("1")),
        ("SearchLog", _) => {
            wait.lock().unwrap().recv().unwrap();
            page(&[found(1, 1)], None)
        }
        other => panic!("{other:?}"),
    });
    let machine = Machine::logged_in(&platform);
    let mut session = Session::start(&machine, &["search", "nan", "a"], &[]);
    session.await_text("searching a: 64 MiB looked at");
    go_on.send(()).unwrap();
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown:?}");
    assert!(
        shown.contains("loss \x1b[1;31mnan\x1b[0m of 1\r\n"),
        "{shown:?}"
    );
    assert!(
        shown.contains("\r\x1b[2Krank 1: "),
        "it gives way: {shown:?}"
    );
    assert!(shown.ends_with("\r\x1b[2K"), "it is gone: {shown:?}");
}
