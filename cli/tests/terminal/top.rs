//! `top` on a terminal of 80 columns and 24 lines.

use std::io::Write;

use nix::{
    sys::{
        signal::{Signal, kill},
        termios::{LocalFlags, tcgetattr},
    },
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform, Then, finished, task},
    program::Machine,
    session::Session,
};

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// A running task of ada's, and one of bob's that waits; the first ends once it was seen.
fn busy() -> Platform {
    Platform::start(|asked| match asked.name.as_str() {
        "MyName" => Answer::Data(json!({ "me": { "name": "ada" } })),
        "WatchCluster" => {
            let mut other = task("9", "other.py", "WAITING_INIT");
            other["user"]["name"] = json!("bob");
            other["wait"] = json!({
                "reason": "BEHIND", "message": "needs_2_nodes", "position": 1, "until": null,
            });
            Answer::Data(json!({
                "tasks": page(vec![task("7", "train.py", "RUNNING"), other]),
                "clusterOverview": { "queuedTasks": 1, "runningTasks": 1, "groups": [
                    { "name": "training", "nodes": 8, "ready": 7, "free": 1, "working": 6, "disabled": 0 },
                ] },
            }))
        }
        "FollowTasks" => {
            let change = json!({ "tasksChanged": finished("7", "SUCCEEDED", 0) });
            Answer::EventsAfter("WatchCluster", 1, vec![change])
        }
        other => panic!("{other}"),
    })
}

/// The one page of all tasks.
fn page(tasks: Vec<Value>) -> Value {
    let page = json!({ "hasNextPage": false, "endCursor": null });
    json!({ "totalCount": tasks.len(), "pageInfo": page, "nodes": tasks })
}

fn is_restored(session: &Session) -> bool {
    let flags = tcgetattr(&session.screen).unwrap().local_flags;
    flags.contains(LocalFlags::ECHO | LocalFlags::ICANON)
}

#[test]
fn the_tasks_the_groups_and_the_queue_are_shown_and_follow_the_subscription() {
    let machine = Machine::logged_in(&busy());
    let mut session = Session::start(&machine, &["top"], &[("NO_COLOR", "1")]);
    // Only what differs is drawn: the `u` of `running` stays.
    for part in ["training", "train.py", "needs_2_nodes", "cceeded"] {
        session.await_text(part);
    }
    assert!(!is_restored(&session), "keys are read one by one");
    session.screen.write_all(b"q").unwrap();
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown:?}");
    assert!(shown.contains(ENTER) && shown.contains(LEAVE), "{shown:?}");
    assert!(!shown.contains("\x1b[33m"), "{shown:?}");
}

#[test]
fn ctrl_c_and_a_signal_give_the_terminal_back() {
    let machine = Machine::logged_in(&busy());
    for is_key in [true, false] {
        let mut session = Session::start(&machine, &["top"], &[]);
        session.await_text("needs_2_nodes");
        match is_key {
            true => session.screen.write_all(b"\x03").unwrap(),
            false => {
                let pid = i32::try_from(session.child.id()).unwrap();
                kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
            }
        }
        session.await_text(LEAVE);
        assert!(is_restored(&session));
        let (code, shown) = session.end();
        assert_eq!(code, 0, "{shown:?}");
    }
}

#[test]
fn tasks_beyond_the_first_page_are_shown_too() {
    let platform = Platform::start(|asked| match asked.name.as_str() {
        "MyName" => Answer::Data(json!({ "me": { "name": "ada" } })),
        "WatchCluster" => {
            let (id, name, next) = match asked.variables["after"].as_str() {
                None => ("2", "newest.py", Some("1")),
                Some(_) => ("1", "oldest.py", None),
            };
            Answer::Data(json!({
                "tasks": {
                    "nodes": [task(id, name, "RUNNING")], "totalCount": 2,
                    "pageInfo": { "hasNextPage": next.is_some(), "endCursor": next },
                },
                "clusterOverview": { "queuedTasks": 0, "runningTasks": 2, "groups": [] },
            }))
        }
        "FollowTasks" => Answer::Events(vec![], Then::Silence),
        other => panic!("{other}"),
    });
    let machine = Machine::logged_in(&platform);
    let mut session = Session::start(&machine, &["top"], &[]);
    session.await_text("oldest.py");
    session.screen.write_all(b"q").unwrap();
    assert_eq!(session.end().0, 0);
}

#[test]
fn a_lost_connection_is_told_and_taken_up_again() {
    let platform = Platform::start(|asked| match asked.name.as_str() {
        "MyName" => Answer::Data(json!({ "me": { "name": "ada" } })),
        "WatchCluster" if asked.before == 0 => Answer::Plain(503, ""),
        "WatchCluster" => Answer::Data(json!({
            "tasks": page(vec![task("7", "train.py", "RUNNING")]),
            "clusterOverview": { "queuedTasks": 0, "runningTasks": 1, "groups": [] },
        })),
        "FollowTasks" => Answer::Events(vec![], Then::Silence),
        other => panic!("{other}"),
    });
    let machine = Machine::logged_in(&platform);
    let mut session = Session::start(&machine, &["top"], &[("NO_COLOR", "1")]);
    session.await_text("trying");
    session.await_text("train.py");
    session.screen.write_all(b"q").unwrap();
    assert_eq!(session.end().0, 0);
}

#[test]
fn an_error_that_stays_is_told_after_the_terminal_was_given_back() {
    let platform = Platform::start(|asked| match asked.name.as_str() {
        "MyName" => Answer::Data(json!({ "me": { "name": "ada" } })),
        "WatchCluster" => Answer::Refusal("UNAUTHENTICATED", "not signed in"),
        "FollowTasks" => Answer::Events(vec![], Then::Silence),
        other => panic!("{other}"),
    });
    let machine = Machine::logged_in(&platform);
    let (code, shown) = Session::start(&machine, &["top"], &[]).end();
    assert_eq!(code, 3, "{shown:?}");
    let (_, told) = shown.rsplit_once(LEAVE).unwrap();
    assert!(
        told.contains("hai-cli: not signed in; log in again"),
        "{shown:?}"
    );
}

#[test]
fn without_a_terminal_or_for_programs_it_says_what_to_use() {
    let machine = Machine::logged_in(&busy());
    machine
        .run(&["top"])
        .fails(2, &["needs a terminal", "`hai-cli list`"]);
    let (code, shown) = Session::start(&machine, &["top", "--json"], &[]).end();
    assert_eq!(code, 2, "{shown:?}");
    assert!(shown.contains("`hai-cli list --json`"), "{shown:?}");
}
