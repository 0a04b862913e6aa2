//! `logs -f`: to the end of the task, through lost connections, until Ctrl-C.

use std::{
    io::{BufRead, BufReader, Read},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    platform::{Answer, Asked, Platform, Then, finished, line, task},
    program::{Machine, end},
};

fn event(lines: &[&str], ended: bool) -> Value {
    let items: Vec<Value> = lines.iter().map(|text| line(text)).collect();
    let cursor = lines.last().copied().unwrap_or("start");
    json!({ "taskLogAppended": { "items": items, "cursor": cursor, "ended": ended } })
}

/// The command looks for the task, then the follower does, and again when the log has ended.
const TWO_LOOKS: usize = 2;

/// Answers for a task that waits for so many looks at it, and then has ended.
fn one_task(
    asked: &Asked,
    n_waiting: usize,
    end: &Value,
    log: impl Fn(&Asked) -> Answer,
) -> Answer {
    match asked.name.as_str() {
        "FindTask" if asked.before < n_waiting => {
            let mut task = task("7", "train.py", "WAITING_INIT");
            task["wait"] = json!({
                "reason": "NODES", "message": "1 node is needed, none is free", "position": 2,
                "until": null,
            });
            Answer::Data(json!({ "task": task }))
        }
        "FindTask" => Answer::Data(json!({ "task": end })),
        "FollowTask" => Answer::Events(vec![], Then::Silence),
        "FollowLog" => log(asked),
        "SubmitTaskYaml" => {
            Answer::Data(json!({ "submitTaskYaml": task("7", "train.py", "WAITING_INIT") }))
        }
        other => panic!("{other}"),
    }
}

fn stamped(lines: &[&str]) -> String {
    let lines = lines.iter();
    lines
        .map(|line| format!("[2026-11-23 18:43:43.000000] {line}\n"))
        .collect()
}

#[test]
fn a_followed_task_says_why_it_waits_prints_its_log_and_gives_its_exit_code() {
    let platform = Platform::start(|asked| {
        one_task(asked, TWO_LOOKS, &finished("7", "FAILED", 3), |_| {
            Answer::Events(
                vec![event(&["a"], false), event(&["b"], true)],
                Then::Silence,
            )
        })
    });
    let machine = Machine::logged_in(&platform);
    let ended = machine.run(&["logs", "-f", "7", "-r", "1"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(ended.out, stamped(&["a", "b"]));
    let why = "waiting: 1 node is needed, none is free (position 2 in its group)\n";
    assert!(ended.err.contains(why), "{ended:?}");
    assert!(
        ended.err.ends_with("task 7 ended: failed, exit code 3\n"),
        "{ended:?}"
    );
    assert_eq!(platform.asked_for("FollowLog")[0].variables["rank"], 1);
}

#[test]
fn success_is_0_and_a_stopped_task_is_not() {
    for (outcome, code) in [("SUCCEEDED", 0), ("STOPPED", 1), ("LOST", 1)] {
        let platform = Platform::start(move |asked| {
            one_task(asked, TWO_LOOKS, &finished("7", outcome, 0), |_| {
                Answer::Events(vec![event(&[], true)], Then::Silence)
            })
        });
        let ended = Machine::logged_in(&platform).run(&["logs", "7", "-f", "--json"]);
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{ended:?}");
    }
}

#[test]
fn the_reason_to_wait_is_kept_up_to_date() {
    let platform = Platform::start(|asked| match asked.name.as_str() {
        // Not before the log has ended, which the third look at the task shows.
        "FollowTask" => {
            let waiting = |message: &str| {
                let mut task = task("7", "train.py", "SUSPENDED");
                task["wait"] = json!({
                    "reason": "X", "message": message, "position": null, "until": null,
                });
                json!({ "taskChanged": task })
            };
            let events = vec![
                waiting("backing off"),
                waiting("backing off"),
                json!({ "taskChanged": task("7", "train.py", "RUNNING") }),
                json!({ "taskChanged": finished("7", "SUCCEEDED", 0) }),
            ];
            Answer::EventsAfter("FindTask", 3, events)
        }
        "FindTask" if asked.before >= 2 => {
            Answer::Data(json!({ "task": task("7", "train.py", "RUNNING") }))
        }
        _ => one_task(asked, TWO_LOOKS, &Value::Null, |_| {
            Answer::Events(vec![event(&["a"], true)], Then::Silence)
        }),
    });
    let ended = Machine::logged_in(&platform).run(&["logs", "-f", "7"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        ended.err.matches("waiting: backing off\n").count(),
        1,
        "{ended:?}"
    );
    assert!(ended.err.contains("task 7 runs\n"), "{ended:?}");
}

#[test]
fn a_lost_connection_neither_loses_nor_repeats_a_line() {
    let platform = Platform::start(|asked| {
        one_task(
            asked,
            TWO_LOOKS,
            &finished("7", "SUCCEEDED", 0),
            |asked| match asked.variables.get("after").and_then(Value::as_str) {
                None => Answer::Events(vec![event(&["a", "b"], false)], Then::Cut),
                Some("b") if asked.before == 1 => Answer::Events(vec![], Then::Cut),
                Some("b") => Answer::Events(vec![event(&["c"], true)], Then::Silence),
                Some(other) => panic!("{other}"),
            },
        )
    });
    let ended = Machine::logged_in(&platform).run(&["logs", "-f", "7"]);
    assert_eq!(ended.succeeds(), stamped(&["a", "b", "c"]));
    assert_eq!(ended.err.matches("connection lost").count(), 1, "{ended:?}");
    assert_eq!(ended.err.matches("connected again").count(), 1, "{ended:?}");
}

#[test]
fn a_refused_subscription_ends_with_its_code() {
    let platform = Platform::start(|asked| {
        one_task(asked, TWO_LOOKS, &Value::Null, |_| {
            Answer::Refusal("INVALID_INPUT", "the task has no rank 5")
        })
    });
    let ended = Machine::logged_in(&platform).run(&["logs", "-f", "-j", "7", "-r", "5"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended.err.ends_with("hai-cli: the task has no rank 5\n"),
        "{ended:?}"
    );
}

#[test]
fn ctrl_c_leaves_the_task_alone_and_says_so() {
    let platform = Platform::start(|asked| {
        one_task(asked, TWO_LOOKS, &Value::Null, |_| {
            Answer::Events(vec![event(&["a"], false)], Then::Silence)
        })
    });
    let machine = Machine::logged_in(&platform);
    let mut child = machine.command(&["logs", "-f", "7"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert_eq!(first, stamped(&["a"]));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let reader = thread::spawn(move || {
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        rest
    });
    let ended = end(child);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(reader.join().unwrap(), "");
    assert!(ended.err.contains("task 7 goes on"), "{ended:?}");
    assert!(ended.err.contains("`hai-cli stop 7`"), "{ended:?}");
}

#[test]
fn a_submitted_task_can_be_followed_at_once() {
    let platform = Platform::start(|asked| {
        // The command itself need not look.
        one_task(asked, TWO_LOOKS - 1, &finished("7", "FAILED", 9), |_| {
            Answer::Events(vec![event(&["a"], true)], Then::Silence)
        })
    });
    let machine = Machine::logged_in(&platform);
    machine.write("work/x.yml", "version: 2\nname: train.py\n");
    let ended = machine.run(&["run", "-f", "x.yml", "--json"]);
    assert_eq!(ended.code, 9, "{ended:?}");
    let lines: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&lines[0]["id"], &lines[1]["text"]),
        (&json!("7"), &json!("a"))
    );
    assert_eq!(lines.len(), 2);
}
