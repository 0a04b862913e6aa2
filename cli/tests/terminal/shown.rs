//! `explain` and `describe`.

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform, task},
    program::Machine,
};

fn run(number: u32, outcome: &str, message: Option<&str>) -> Value {
    json!({
        "number": number, "state": "ENDED", "drainReason": "RANK_FAILED", "outcome": outcome,
        "stopCode": 128, "exitCode": 3, "message": message, "priority": "HIGH",
        "startMessage": null,
        "createdAt": "2026-11-23T18:43:43Z", "startedAt": null, "endedAt": null,
    })
}

/// One waiting task of two runs, which come in pages of one.
fn one_task() -> Platform {
    Platform::start(|asked| {
        let variable = |name: &str| asked.variables.get(name).and_then(Value::as_str);
        let mut task = task("7", "train.py", "SUSPENDED");
        task["wait"] = json!({
            "reason": "OUT_OF_QUOTA", "message": "waits for quota", "position": 2, "until": null,
        });
        let is_known = variable("id") == Some("7") || variable("name") == Some("train.py");
        let task = if is_known { task } else { Value::Null };
        match asked.name.as_str() {
            "FindTask" => Answer::Data(json!({ "task": task })),
            "ExplainTask" => Answer::Data(json!({
                "task": task,
                "clusterOverview": {
                    "queuedTasks": 2, "runningTasks": 1,
                    "groups": [
                        { "name": "training", "nodes": 2, "ready": 2, "free": 1, "working": 1, "disabled": 0 },
                    ],
                },
                "me": { "name": "ada", "quotas": [
                    { "group": "training", "priority": "HIGH", "used": 1, "limit": 1 },
                    { "group": "training", "priority": "LOW", "used": 0, "limit": 2 },
                ] },
            })),
            "DescribeTask" => {
                let (run, has_next) = match variable("after") {
                    None => (run(2, "FAILED", Some("rank 0: out of memory")), true),
                    Some(_) => (run(1, "SUSPENDED", None), false),
                };
                let schema = json!({
                    "version": 2, "name": "train.py",
                    "spec": { "workspace": "/w", "entrypoint": "x.py" },
                });
                Answer::Data(json!({ "task": { "schema": schema, "runs": {
                    "nodes": [run], "pageInfo": { "hasNextPage": has_next, "endCursor": "c" },
                } } }))
            }
            "SubmitTaskYaml" => Answer::Data(
                json!({ "submitTaskYaml": crate::platform::task("8", "train.py", "WAITING_INIT") }),
            ),
            other => panic!("{other}"),
        }
    })
}

#[test]
fn an_explanation_has_the_reason_the_place_the_numbers_and_what_would_help() {
    let machine = Machine::logged_in(&one_task());
    let ended = machine.run(&["explain", "train.py"]);
    let expected = "\
Task 7 `train.py` waits for 1 node of the group training at priority high.
The reason: waits for quota.
It is number 2 in the line of the group training: 1 task is before it.
The group training has 2 nodes: 2 can take tasks, 1 is working, 1 is free.
At priority high you hold 1 of the 1 node you may hold there.

What would help:
- use a priority at which you have room: `hai-cli priority 7 low`
- end or suspend another of your tasks: `hai-cli list` shows them
- ask an administrator for more quota in the group training
";
    assert_eq!(ended.succeeds(), expected);
    let ended = machine.run(&["explain", "-j", "7"]);
    let explained: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(explained["task"]["wait"]["position"], 2);
    assert_eq!(explained["group"]["free"], 1);
    assert_eq!(explained["quotas"][1]["priority"], "LOW");
    assert_eq!(explained["help"].as_array().unwrap().len(), 3);
    machine
        .run(&["explain", "9"])
        .fails(4, &["there is no task 9", "`hai-cli list`"]);
}

#[test]
fn a_description_has_every_run_and_can_be_run_again() {
    let platform = one_task();
    let machine = Machine::logged_in(&platform);
    let ended = machine.run(&["describe", "7"]);
    let shown = ended.succeeds();
    for part in [
        "# task 7 `train.py` of ada\n",
        "#   2: ended, failed because of rank_failed, exit code 3, priority high, ",
        ": rank 0: out of memory\n",
        "#   1: ended, suspended because of rank_failed",
        "#   log:         hai-cli logs 7\n",
    ] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    let document = "version: 2\nname: train.py\nspec:\n  workspace: /w\n  entrypoint: x.py\n";
    assert!(shown.ends_with(document), "{shown}");
    machine.write("work/again.yml", shown);
    machine.run(&["run", "again.yml"]).succeeds();
    let sent = &platform.asked_for("SubmitTaskYaml")[0].variables["yaml"];
    assert_eq!(sent, &json!(shown));
    let ended = machine.run(&["describe", "7", "--json"]);
    let described: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(described["schema"]["spec"]["entrypoint"], "x.py");
    assert_eq!(described["runs"][1]["outcome"], "SUSPENDED");
    assert_eq!(described["task"]["id"], "7");
}
