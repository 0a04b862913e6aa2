//! `list`, `status`, `stop`, `logs` without -f.

use std::{fs::File, io};

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform, finished, line, task},
    program::Machine,
};

/// Five tasks, the newest first; two names are found.
pub(crate) fn five_tasks() -> Platform {
    Platform::start(|asked| {
        let variable = |name: &str| asked.variables.get(name).and_then(Value::as_str);
        let all: Vec<Value> = (1..=5)
            .rev()
            .map(|id| task(&id.to_string(), &format!("t{id}"), "RUNNING"))
            .collect();
        let skipped: usize = variable("after")
            .and_then(|cursor| cursor.parse().ok())
            .unwrap_or(0);
        let first = asked
            .variables
            .get("first")
            .and_then(Value::as_u64)
            .unwrap_or(0) as usize;
        let page: Vec<&Value> = all.iter().skip(skipped).take(first).collect();
        let end = skipped + page.len();
        match asked.name.as_str() {
            "MyName" => Answer::Data(json!({ "me": { "name": "ada" } })),
            "ListTasks" => {
                assert_eq!(variable("user"), Some("ada"));
                Answer::Data(json!({ "tasks": { "nodes": page, "totalCount": 5 } }))
            }
            "SkipTasks" => Answer::Data(json!({ "tasks": {
                "pageInfo": { "hasNextPage": end < 5, "endCursor": end.to_string() },
                "totalCount": 5,
            } })),
            "FindTask" => match (variable("id"), variable("name")) {
                (Some("7"), _) | (_, Some("train.py")) => {
                    let mut task = task("7", "train.py", "WAITING_INIT");
                    task["wait"] = json!({
                        "reason": "NODES", "message": "1 node is needed, none is free",
                        "position": 1, "until": null,
                    });
                    Answer::Data(json!({ "task": task }))
                }
                (Some("8"), _) => Answer::Refusal("NOT_FOUND", "there is no task 8"),
                _ => Answer::Data(json!({ "task": null })),
            },
            "StopTask" => {
                let outcome = match variable("stopAs") {
                    Some("SUCCEEDED") => "SUCCEEDED",
                    Some("FAILED") => "FAILED",
                    _ => "STOPPED",
                };
                Answer::Data(json!({ "stopTask": finished("7", outcome, 0) }))
            }
            "ReadLog" => {
                assert_eq!(asked.variables["rank"], 2);
                let (items, cursor, has_next) = match variable("after") {
                    None => (vec![line("a"), line("b")], "b", true),
                    Some("b") => (vec![line("c")], "c", false),
                    Some(other) => panic!("{other}"),
                };
                let page = json!({ "items": items, "cursor": cursor, "hasNext": has_next });
                Answer::Data(json!({ "taskLog": page }))
            }
            "Offers" => Answer::Data(json!({ "serverInfo": {
                "groups": ["training", "debug"], "environments": ["default"],
            } })),
            other => panic!("{other}"),
        }
    })
}

#[test]
fn a_list_is_paged() {
    let machine = Machine::logged_in(&five_tasks());
    let names = |words: &[&str]| -> (String, Vec<String>) {
        let ended = machine.run(words);
        let mut lines = ended.succeeds().lines();
        let heading = lines.next().unwrap().to_owned();
        let rows = lines.filter_map(|line| line.split_whitespace().nth(1));
        (
            heading,
            rows.skip(1).map(|name| name.trim().to_owned()).collect(),
        )
    };
    let (heading, tasks) = names(&["list", "-ps", "2"]);
    assert_eq!(heading, "page 1 of 3, 2 per page, 5 tasks");
    assert_eq!(tasks, ["t5", "t4"]);
    assert_eq!(names(&["list", "-p", "3", "-ps", "2"]).1, ["t1"]);
    let (heading, tasks) = names(&["list", "-p", "4", "--page-size", "2"]);
    assert_eq!(heading, "page 4 of 3, 2 per page, 5 tasks");
    assert!(tasks.is_empty());
    let ended = machine.run(&["list", "--json", "-p", "2", "-ps", "3"]);
    let page: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(page["tasks"][1]["name"], "t1");
    assert_eq!((&page["total"], &page["pageSize"]), (&json!(5), &json!(3)));
}

#[test]
fn a_status_is_found_by_id_name_and_file_and_says_why_it_waits() {
    let machine = Machine::logged_in(&five_tasks());
    machine.write("work/x.yml", "version: 2\nname: train.py\n");
    for words in [
        &["status", "7"][..],
        &["status", "train.py"],
        &["status", "x.yml"],
        &["status", "-t", "yaml", "x.yml"],
        &["status", "7", "--exp_type", "id"],
    ] {
        let ended = machine.run(words);
        let shown = ended.succeeds();
        assert!(shown.contains("7   train.py "), "{shown}");
        let why = "waiting:     1 node is needed, none is free (position 1 in its group)\n";
        assert!(shown.ends_with(why), "{shown}");
    }
    let ended = machine.run(&["status", "-j", "7"]);
    let task: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(task["wait"]["position"], 1);
}

#[test]
fn a_task_that_does_not_exist_is_4() {
    let machine = Machine::logged_in(&five_tasks());
    machine
        .run(&["status", "nobody"])
        .fails(4, &["there is no task named `nobody`", "`hai-cli list`"]);
    machine
        .run(&["stop", "9"])
        .fails(4, &["there is no task 9"]);
    machine
        .run(&["logs", "8"])
        .fails(4, &["there is no task 8", "`hai-cli list`"]);
}

#[test]
fn a_stop_is_confirmed_in_one_line() {
    let platform = five_tasks();
    let machine = Machine::logged_in(&platform);
    let told = |words: &[&str]| machine.run(words).succeeds().to_owned();
    assert_eq!(
        told(&["stop", "7"]),
        "task 7 `train.py` has ended: stopped\n"
    );
    assert_eq!(
        told(&["stop", "train.py", "--succeeded"]),
        "task 7 `train.py` has ended: succeeded\n"
    );
    assert_eq!(
        told(&["stop", "7", "--failed"]),
        "task 7 `train.py` has ended: failed\n"
    );
    let orders = platform.asked_for("StopTask");
    let orders = orders.iter().map(|order| &order.variables["stopAs"]);
    assert_eq!(
        orders.collect::<Vec<_>>(),
        ["STOPPED", "SUCCEEDED", "FAILED"]
    );
    assert_eq!(
        machine.run(&["stop", "7", "--failed", "--succeeded"]).code,
        2
    );
}

#[test]
fn a_log_is_printed_page_by_page_alone_on_standard_output() {
    let machine = Machine::logged_in(&five_tasks());
    let ended = machine.run(&["logs", "7", "-r", "2"]);
    let stamp = "[2026-11-23 18:43:43.000000] ";
    assert_eq!(ended.succeeds(), format!("{stamp}a\n{stamp}b\n{stamp}c\n"));
    assert!(ended.err.contains("7   train.py "), "{ended:?}");
    let ended = machine.run(&["logs", "7", "-r", "2", "--json"]);
    let items: Vec<Value> = ended
        .succeeds()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(items.len(), 3);
    assert_eq!(
        (&items[2]["text"], &items[2]["cursor"]),
        (&json!("c"), &json!("c"))
    );
    assert_eq!(ended.err, "");
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let machine = Machine::logged_in(&five_tasks());
    for words in [
        &["logs", "7", "-r", "2", "-j"][..],
        &["list"],
        &["completion", "bash"],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let ended = machine.command(words).stdout(writer).output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{words:?}: {ended:?}");
        assert!(ended.stderr.is_empty(), "{words:?}: {ended:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let machine = Machine::logged_in(&five_tasks());
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = machine.command(&["list"]).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(
        told.contains("cannot write the output: No space left"),
        "{told}"
    );
}
