//! `stop`, `suspend`, `resume` of one and of many, and `priority`.

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Asked, Platform, finished, task},
    program::Machine,
};

/// Running tasks 1 to 9 with the names `t1` to `t9`; 3 refuses every order.
fn running_tasks() -> Platform {
    Platform::start(|asked| {
        let name = asked.variables.get("name").and_then(Value::as_str);
        let id = asked.variables.get("id").and_then(Value::as_str);
        let id = id.or_else(|| name?.strip_prefix('t')).unwrap_or_default();
        match (asked.name.as_str(), id.parse::<u32>()) {
            ("FindTask", Ok(1..=9)) => {
                Answer::Data(json!({ "task": task(id, &format!("t{id}"), "RUNNING") }))
            }
            ("FindTask", _) => Answer::Data(json!({ "task": null })),
            (_, Ok(3)) => Answer::Refusal("CONFLICT", "task 3 is already finished"),
            (order, _) => given(order, id, asked),
        }
    })
}

fn given(order: &str, id: &str, asked: &Asked) -> Answer {
    let mut task = task(id, &format!("t{id}"), "RUNNING");
    match order {
        "StopTask" => Answer::Data(json!({ "stopTask": finished(id, "STOPPED", 0) })),
        "SuspendTask" => {
            task["desired"] = json!("HOLD");
            Answer::Data(json!({ "suspendTask": task }))
        }
        "ResumeTask" => Answer::Data(json!({ "resumeTask": task })),
        "UpdateTaskPriority" => {
            let input = &asked.variables["input"];
            assert!(input.get("priority") != Some(&Value::Null), "{input}");
            Answer::Data(json!({ "updateTaskPriority": task }))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_suspension_and_a_resumption_are_confirmed_in_one_line() {
    let platform = running_tasks();
    let machine = Machine::logged_in(&platform);
    assert_eq!(
        machine.run(&["suspend", "t7"]).succeeds(),
        "task 7 `t7` is being suspended: it saves and gives its nodes back\n"
    );
    assert_eq!(
        machine.run(&["resume", "7"]).succeeds(),
        "task 7 `t7` runs already\n"
    );
    let ended = machine.run(&["suspend", "-j", "7"]);
    let task: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(
        (&task["id"], &task["desired"]),
        (&json!("7"), &json!("HOLD"))
    );
    assert_eq!(platform.asked_for("SuspendTask")[0].variables["id"], "7");
}

#[test]
fn of_many_each_is_told_and_the_worst_gives_the_exit_code() {
    let platform = running_tasks();
    let machine = Machine::logged_in(&platform);
    machine.write("work/x.yml", "version: 2\nname: t2\n");
    let ended = machine.run(&["stop", "1", "3", "nobody", "x.yml"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert_eq!(
        ended.out,
        "task 1 `train.py` has ended: stopped\ntask 2 `train.py` has ended: stopped\n"
    );
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines.len(), 2, "{ended:?}");
    assert_eq!(lines[0], "hai-cli: task 3 is already finished");
    assert!(
        lines[1].contains("there is no task named `nobody`"),
        "{ended:?}"
    );
    assert_eq!(machine.run(&["stop", "1", "nobody"]).code, 4);
    assert_eq!(machine.run(&["resume", "1", "2"]).code, 0);
}

#[test]
fn many_as_json_are_one_object_a_line_with_their_errors() {
    let machine = Machine::logged_in(&running_tasks());
    let ended = machine.run(&["suspend", "--json", "1", "3"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    let told: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (
            &told[0]["experiment"],
            &told[0]["task"]["id"],
            &told[0]["error"]
        ),
        (&json!("1"), &json!("1"), &Value::Null)
    );
    assert_eq!(
        (&told[1]["task"], &told[1]["error"]["exit"]),
        (&Value::Null, &json!(5))
    );
}

#[test]
fn when_the_platform_is_away_the_others_are_not_tried() {
    let platform = Platform::start(|_| Answer::Plain(503, ""));
    let machine = Machine::logged_in(&platform);
    let ended = machine.run(&["stop", "1", "2", "3"]);
    assert_eq!(ended.code, 6, "{ended:?}");
    assert_eq!(platform.asked().len(), 1);
    assert!(ended.err.contains("`2` was not tried") && ended.err.contains("`3` was not tried"));
}

#[test]
fn a_priority_is_sent_as_it_was_meant_and_confirmed() {
    let platform = running_tasks();
    let machine = Machine::logged_in(&platform);
    assert_eq!(
        machine.run(&["priority", "7", "20"]).succeeds(),
        "task 7 `t7`: priority above_normal for its present run\n"
    );
    assert_eq!(
        machine
            .run(&["priority", "t7", "high", "--every-run", "--rank", "-2.5"])
            .succeeds(),
        "task 7 `t7`: priority high for every run, place -2.5 among your tasks\n"
    );
    machine.run(&["priority", "7", "--rank", "1"]).succeeds();
    let orders = platform.asked_for("UpdateTaskPriority");
    let inputs: Vec<&Value> = orders
        .iter()
        .map(|order| &order.variables["input"])
        .collect();
    assert_eq!(
        inputs,
        [
            &json!({ "priority": "ABOVE_NORMAL", "forEveryRun": false }),
            &json!({ "priority": "HIGH", "forEveryRun": true, "customRank": -2.5 }),
            &json!({ "forEveryRun": false, "customRank": 1.0 }),
        ]
    );
    machine
        .run(&["priority", "7", "31"])
        .fails(2, &["no priority `31`", "30 HIGH"]);
    assert_eq!(machine.run(&["priority", "7"]).code, 2);
}
