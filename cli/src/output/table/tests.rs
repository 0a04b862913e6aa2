//! Tests of the tables.

use comfy_table::Color;
use serde_json::json;

use super::{
    task::{outcome_colour, state_colour},
    user::bar,
    *,
};
use crate::{
    operations::{Outcome, RunConnection, RunState, Task, TaskState, User, Wait},
    output::Look,
};

const PLAIN: Look = Look {
    width: None,
    colour: false,
};

/// A running task on two nodes.
pub(crate) fn task() -> Task {
    let task = r#"{
        "id": "12", "name": "train.py", "user": { "name": "ada" }, "taskType": "TRAINING",
        "state": "RUNNING", "desired": "RUN", "outcome": null, "stopCode": 0, "exitCode": null,
        "priority": "HIGH", "group": "training", "zone": null, "nodeCount": 2,
        "environment": "default", "workspace": "/data/ada", "command": "/data/ada/train.py --lr 1",
        "tags": [], "runCount": 1, "restartCount": 0, "createdAt": "2026-11-23T18:43:43Z",
        "startedAt": null, "finishedAt": null, "wait": null,
        "currentRun": {
            "number": 1, "state": "RUNNING", "drainReason": null, "outcome": null, "stopCode": 0,
            "exitCode": null, "message": null, "createdAt": "2026-11-23T18:43:44Z",
            "startedAt": "2026-11-23T18:43:45Z", "endedAt": null,
            "pods": [
                { "rank": 0, "node": "node-1", "state": "RUNNING", "exitCode": null,
                  "startedAt": "2026-11-23T18:43:45Z", "endedAt": null, "message": null },
                { "rank": 1, "node": "node-2", "state": "CREATED", "exitCode": null,
                  "startedAt": null, "endedAt": null, "message": null }
            ]
        },
        "runs": { "nodes": [], "totalCount": 1 }
    }"#;
    serde_json::from_str(task).unwrap()
}

#[test]
fn a_status_is_two_tables_and_the_facts_below() {
    let expected = "\
id  name      nodes  state    type      restarts  created (UTC)
-----------------------------------------------------------------------
12  train.py  2      running  training  0         2026-11-23 18:43:43

rank  status   node    began (UTC)          exit code  message
----------------------------------------------------------------
0     running  node-1  2026-11-23 18:43:45  -          -
1     created  node-2  -                    -          -

group:       training
priority:    high
environment: default
command:     /data/ada/train.py --lr 1
run:         1 running
";
    assert_eq!(task_detail(&task(), PLAIN), expected);
}

#[test]
fn a_waiting_task_says_why() {
    let mut task = task();
    task.current_run = None;
    task.summary.state = TaskState::WaitingInit;
    task.summary.wait = Some(Wait {
        reason: "NODES".to_owned(),
        message: "needs 2 nodes, 1 is free".to_owned(),
        position: Some(3),
        until: None,
    });
    let text = task_detail(&task, PLAIN);
    assert!(
        text.ends_with("waiting:     needs 2 nodes, 1 is free (position 3 in its group)\n"),
        "{text}"
    );
    assert!(!text.contains("rank"), "{text}");
}

#[test]
fn a_finished_task_shows_how_it_ended() {
    let mut task = task();
    task.summary.state = TaskState::Finished;
    task.summary.outcome = Some(Outcome::StartFailed);
    task.summary.exit_code = Some(3);
    let run = task.current_run.as_mut().unwrap();
    run.facts.state = RunState::Ended;
    run.facts.outcome = Some(Outcome::StartFailed);
    run.facts.message = Some("rank 1: no such file".to_owned());
    let text = task_detail(&task, PLAIN);
    for part in [
        " start_failed ",
        "run:         1 ended, start_failed: rank 1: no such file\n",
        "exit code:   3\n",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

#[test]
fn a_table_fits_the_terminal() {
    let mut task = task();
    task.summary.name = "a very long name of a task that would not fit anywhere".repeat(2);
    let narrow = Look {
        width: Some(80),
        colour: false,
    };
    let text = task_table(&[&task.summary], narrow);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn on_80_characters_only_the_name_gives_way() {
    let mut task = task();
    task.summary.name = "name".repeat(20);
    task.summary.state = TaskState::Finished;
    task.summary.outcome = Some(Outcome::StartFailed);
    let look = Look {
        width: Some(80),
        colour: false,
    };
    let text = task_table(&[&task.summary], look);
    assert!(
        text.contains("start_failed  training  0         2026-11-23 18:43:43\n"),
        "{text}"
    );
}

#[test]
fn without_colours_there_are_no_escapes() {
    assert!(!task_detail(&task(), PLAIN).contains('\x1b'));
}

#[test]
fn states_have_the_originals_colours() {
    assert_eq!(state_colour(&TaskState::WaitingInit), Color::Blue);
    assert_eq!(state_colour(&TaskState::Running), Color::Yellow);
    assert_eq!(outcome_colour(&Outcome::Stopped), Color::DarkGrey);
    assert_eq!(outcome_colour(&Outcome::Succeeded), Color::Green);
    assert_eq!(outcome_colour(&Outcome::Failed), Color::Red);
}

#[test]
fn a_user_sees_quota_and_mounts() {
    let user: User = serde_json::from_value(json!({
        "id": "1", "name": "ada", "role": "INTERNAL", "uid": 1000, "active": true,
        "groups": ["lab"], "createdAt": "2026-11-23T18:43:43Z",
        "quotas": [
            { "group": "a", "priority": "HIGH", "used": 0, "limit": 4 },
            { "group": "b", "priority": "HIGH", "used": 2, "limit": 2 },
        ],
        "mounts": [{ "path": "/data/ada", "readOnly": false }],
    }))
    .unwrap();
    let text = super::user(&user, "http://h", true, PLAIN);
    let expected = "\
ada (uid 1000, internal) at http://h
groups: lab

group  priority  nodes
----------------------------------------------
b      high      2/2    ####################
a      high      0/4    ....................

mounted directory  access
-----------------------------------
/data/ada          read and write
";
    assert_eq!(text, expected);
}

#[test]
fn a_bar_never_overflows() {
    assert_eq!(bar(1, 2, true), "##########..........");
    assert_eq!(bar(9, 2, true), "#".repeat(20));
    assert_eq!(bar(0, 0, true), ".".repeat(20));
    assert_eq!(bar(-1, 2, true), ".".repeat(20));
}

#[test]
fn hints_use_the_name_that_the_program_was_called_by() {
    assert_eq!(
        hints("7", "hai-platform cli"),
        "status: hai-platform cli status 7\n\
         log:    hai-platform cli logs -f 7\n\
         stop:   hai-platform cli stop 7\n"
    );
}

#[test]
fn a_task_that_ran_again_has_a_log_of_its_runs() {
    let runs = |total_count: i32| -> RunConnection {
        serde_json::from_value(json!({ "totalCount": total_count, "nodes": [
            { "number": 3, "state": "DRAINING", "drainReason": "STOP", "outcome": null,
              "message": "it was stopped", "startMessage": "it runs again after run 2 was lost, but not on node-2",
              "stopCode": 0, "exitCode": null, "priority": "LOW", "startedAt": null,
              "createdAt": "2026-11-23T19:00:00Z", "endedAt": null },
            { "number": 2, "state": "ENDED", "drainReason": "LOST", "outcome": "LOST",
              "message": null, "startMessage": "it goes on where run 1 was suspended",
              "stopCode": 32, "exitCode": null, "priority": "LOW", "startedAt": null,
              "createdAt": "2026-11-23T18:50:00Z", "endedAt": "2026-11-23T18:55:00Z" },
        ] }))
        .unwrap()
    };
    let mut task = task();
    task.runs = runs(2);
    let text = task_detail(&task, PLAIN);
    let expected = "
run  when (UTC)           what
----------------------------------------------------------------------------------------
2    2026-11-23 18:50:00  began: it goes on where run 1 was suspended
2    2026-11-23 18:55:00  lost
3    2026-11-23 19:00:00  began: it runs again after run 2 was lost, but not on node-2
3    -                    ending (stop): it was stopped
";
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains("earlier"), "{text}");
    task.runs = runs(3);
    assert!(task_detail(&task, PLAIN).contains("(and an earlier one)\n"));
    task.runs = runs(12);
    assert!(task_detail(&task, PLAIN).contains("(and 10 earlier ones)\n"));
}
