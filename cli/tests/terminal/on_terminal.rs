//! What only a terminal shows: colours, notes that give way, a question that hides its answer.

use std::io::Write;

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform, TOKEN, Then, finished, line, task},
    program::Machine,
    session::Session,
};

fn one_task() -> Platform {
    Platform::start(|asked| match asked.name.as_str() {
        "MyName" => Answer::Data(json!({ "me": { "name": "ada" } })),
        "ListTasks" => {
            let tasks = [task("7", &"name".repeat(30), "RUNNING")];
            Answer::Data(json!({ "tasks": { "nodes": tasks, "totalCount": 1 } }))
        }
        "FindTask" if asked.before < 2 => {
            let mut task = task("7", "train.py", "WAITING_INIT");
            task["wait"] = json!({
                "reason": "X", "message": "not yet", "position": null, "until": null,
            });
            Answer::Data(json!({ "task": task }))
        }
        "FindTask" => Answer::Data(json!({ "task": finished("7", "SUCCEEDED", 0) })),
        "FollowTask" => Answer::Events(vec![], Then::Silence),
        "FollowLog" => {
            let event = |items: Vec<Value>, ended: bool| json!({ "taskLogAppended": { "items": items, "cursor": "c", "ended": ended } });
            let bars = vec![line("[HFAI_PRINT:TQDM] 1%"), line("[HFAI_PRINT:TQDM] 2%")];
            let events = vec![event(vec![line("a")], false), event(bars, true)];
            Answer::Events(events, Then::Silence)
        }
        other => panic!("{other}"),
    })
}

#[test]
fn tables_have_colours_unless_nobody_wants_them_and_fit() {
    let machine = Machine::logged_in(&one_task());
    let (code, shown) = Session::start(&machine, &["list"], &[]).end();
    assert_eq!(code, 0);
    assert!(shown.contains("\x1b["), "{shown:?}");
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (_, shown) = Session::start(&machine, &["list"], &[variable]).end();
        assert!(
            shown.contains("running") && !shown.contains('\x1b'),
            "{shown:?}"
        );
        let widest = shown.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{shown}");
    }
}

#[test]
fn the_reason_to_wait_stays_below_the_log_and_progress_stays_on_its_line() {
    let machine = Machine::logged_in(&one_task());
    let (code, shown) = Session::start(&machine, &["logs", "-f", "7"], &[]).end();
    assert_eq!(code, 0, "{shown:?}");
    let stamp = "[2026-11-23 18:43:43.000000] ";
    let wait = "waiting: not yet";
    let away = "\r\x1b[K";
    let expected = format!(
        "\r\n{wait}{away}{stamp}a\r\n{wait}{away}{stamp} 1%{away}{stamp} 2%\r\n\
         task 7 ended: succeeded\r\n"
    );
    assert!(shown.ends_with(&expected), "{shown:?}\n{expected:?}");
}

#[test]
fn a_token_is_asked_for_and_not_shown() {
    let platform = one_task();
    let machine = Machine::new();
    let mut session = Session::start(&machine, &["init", "--url", &platform.url()], &[]);
    session.await_text("token: ");
    writeln!(session.screen, "{TOKEN}").unwrap();
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown:?}");
    assert!(
        shown.contains("as ada") && !shown.contains(TOKEN),
        "{shown:?}"
    );
    let asked = &platform.asked()[0].head;
    assert!(asked.contains(TOKEN), "{asked}");
}
