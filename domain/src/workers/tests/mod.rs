//! Whole lives of tasks: planned, launched, supervised, ended, with a scripted runtime on a real database.

mod crash;
mod decisions;
mod priority;
mod steps;

use chrono::TimeDelta;
use protocol::{ExitCause, RankExit};
use serde_json::json;

use crate::run::{DrainReason, PodState, State as RunState};
use crate::task::{self, Outcome, State, StopAs, Task, TaskId};
use crate::testing::TestApp;

async fn stop(app: &TestApp, id: TaskId) {
    let mut tx = app.app.begin().await.unwrap();
    task::stop(&mut tx, &app.root, id, StopAs::Stopped)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn wait_reason(app: &TestApp, id: TaskId) -> String {
    let task = app.task(id).await;
    task::wait(&task, app.app.now()).expect("it waits").reason
}

fn ended(task: &Task) -> (State, Option<Outcome>, i32, Option<i32>) {
    (task.state, task.outcome, task.stop_code, task.exit_code)
}

#[tokio::test]
async fn a_task_runs_on_its_nodes_and_gives_them_back() {
    let app = TestApp::with_nodes(2).await;
    let first = app.submit("first", 2).await;
    let second = app.submit("second", 1).await;
    app.bring_up(first.id).await;
    assert_eq!(app.task(first.id).await.state, State::Running);
    assert_eq!(wait_reason(&app, second.id).await, "NOT_ENOUGH_NODES");
    app.exit(first.id, 0, 0).await;
    app.exit(first.id, 1, 0).await;
    app.settle().await;
    let done = app.task(first.id).await;
    assert_eq!(
        ended(&done),
        (State::Finished, Some(Outcome::Succeeded), 1, Some(0))
    );
    assert_eq!(
        app.task(second.id).await.state,
        State::Running,
        "the nodes were given on"
    );
    let held = crate::node::overview(app.app.reader()).await.unwrap();
    assert_eq!(
        (held.groups[0].numbers.free, held.groups[0].numbers.working),
        (1, 1)
    );
}

#[tokio::test]
async fn a_failed_rank_gives_the_others_five_seconds_and_then_ends_the_run() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("fails", 2).await;
    app.bring_up(task.id).await;
    app.exit(task.id, 1, 3).await;
    app.settle().await;
    let (run, _) = app.run(task.id).await;
    assert_eq!(run.drain_reason, Some(DrainReason::RankFailed));
    assert_eq!(run.stop_at, Some(app.app.now() + TimeDelta::seconds(5)));
    // The agent of rank 0 does not obey: the runtime kills when the time is over.
    app.clock.advance(TimeDelta::seconds(15));
    app.settle().await;
    assert_eq!(app.runtime.killed(), [app.rank(task.id, 0).await]);
    let done = app.task(task.id).await;
    assert_eq!(
        ended(&done),
        (State::Finished, Some(Outcome::Failed), 128, Some(3))
    );
    let (run, pods) = app.run(task.id).await;
    assert_eq!(pods[0].state, PodState::Stopped);
    assert_eq!(
        run.message.as_deref(),
        Some("rank 1 on node-2 exited with 3")
    );
}

#[tokio::test]
async fn a_stop_of_a_running_task_ends_as_its_owner_said_whatever_the_exit_code() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("stopped", 1).await;
    app.bring_up(task.id).await;
    stop(&app, task.id).await;
    app.settle().await;
    assert_eq!(
        app.task(task.id).await.state,
        State::Running,
        "it is still there"
    );
    app.exit(task.id, 0, 0).await;
    app.settle().await;
    let done = app.task(task.id).await;
    assert_eq!(
        ended(&done),
        (State::Finished, Some(Outcome::Stopped), 1024, Some(0))
    );
}

#[tokio::test]
async fn a_stop_before_the_gate_opens_needs_no_agent() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("early", 1).await;
    app.settle().await;
    stop(&app, task.id).await;
    app.settle().await;
    app.clock.advance(TimeDelta::seconds(10));
    app.settle().await;
    assert_eq!(app.task(task.id).await.outcome, Some(Outcome::Stopped));
}

#[tokio::test]
async fn a_rank_that_is_gone_without_a_record_is_lost_after_the_window_and_not_before() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("gone", 1).await;
    app.bring_up(task.id).await;
    app.runtime.vanish(&app.rank(task.id, 0).await);
    app.settle().await;
    app.clock.advance(TimeDelta::seconds(29));
    app.settle().await;
    assert_eq!(app.task(task.id).await.state, State::Running);
    app.clock.advance(TimeDelta::seconds(1));
    app.settle().await;
    let (run, _) = app.run(task.id).await;
    assert_eq!((run.outcome, run.stop_code), (Some(Outcome::Lost), 32));
}

#[tokio::test]
async fn what_a_dead_agent_left_behind_is_killed_before_the_node_is_given_away() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("orphans", 1).await;
    let next = app.submit("next", 1).await;
    app.bring_up(task.id).await;
    let rank = app.rank(task.id, 0).await;
    app.runtime.orphan(&rank);
    app.settle().await;
    assert!(app.runtime.killed().contains(&rank));
    assert_eq!(app.task(next.id).await.state, State::Queued);
    app.clock.advance(TimeDelta::seconds(30));
    app.settle().await;
    assert_eq!(app.task(next.id).await.state, State::Running);
}

#[tokio::test]
async fn a_run_ends_when_its_time_is_up() {
    let app = TestApp::with_nodes(1).await;
    let mut document = app.document("long", 1);
    document["options"] = json!({"timeout": 60});
    let task = app.submit_document(&app.root, document).await.unwrap();
    app.bring_up(task.id).await;
    app.clock.advance(TimeDelta::seconds(59));
    app.settle().await;
    assert_eq!(app.run(task.id).await.0.state, RunState::Running);
    app.clock.advance(TimeDelta::seconds(1));
    app.settle().await;
    assert_eq!(
        app.run(task.id).await.0.drain_reason,
        Some(DrainReason::Timeout)
    );
    app.clock.advance(TimeDelta::seconds(10));
    app.settle().await;
    assert_eq!(app.task(task.id).await.outcome, Some(Outcome::Timeout));
}

#[tokio::test]
async fn a_silent_run_is_a_timeout_and_a_command_that_could_not_start_is_not_a_failure_of_the_user()
{
    let app = TestApp::with_nodes(2).await;
    let silent = app.submit("silent", 1).await;
    let missing = app.submit("missing", 1).await;
    app.bring_up(silent.id).await;
    app.bring_up(missing.id).await;
    let exit = |cause, code| RankExit {
        cause,
        code,
        signal: None,
        message: None,
        suspend: None,
    };
    let mut record = crate::runtime::fake::exit_record(0);
    record.exit = exit(ExitCause::Silence, Some(143));
    app.runtime
        .end(&app.rank(silent.id, 0).await, record.clone());
    app.settle().await;
    assert_eq!(app.task(silent.id).await.outcome, Some(Outcome::Timeout));
    let late = app.submit("late", 1).await;
    app.settle().await;
    app.report(late.id, 0, false, Some(exit(ExitCause::StartFailed, None)))
        .await;
    record.exit = exit(ExitCause::StartFailed, None);
    app.runtime.end(&app.rank(late.id, 0).await, record);
    app.settle().await;
    assert_eq!(app.run(late.id).await.0.outcome, Some(Outcome::StartFailed));
}

#[tokio::test]
async fn ranks_that_never_register_end_the_start() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("late", 1).await;
    app.settle().await;
    app.clock.advance(TimeDelta::minutes(3));
    app.settle().await;
    app.clock.advance(TimeDelta::seconds(10));
    app.settle().await;
    assert_eq!(app.run(task.id).await.0.outcome, Some(Outcome::StartFailed));
}

#[tokio::test]
async fn processes_of_no_open_run_are_killed_and_forgotten() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("swept", 1).await;
    app.bring_up(task.id).await;
    let rank = app.rank(task.id, 0).await;
    app.exit(task.id, 0, 0).await;
    app.settle().await;
    let left = crate::runtime::Runtime::list(&*app.runtime).await.unwrap();
    assert!(!left.contains(&rank), "{left:?}");
}

async fn ask(app: &TestApp, id: TaskId, what: &str) {
    let mut tx = app.app.begin().await.unwrap();
    match what {
        "suspend" => task::suspend(&mut tx, &app.root, id).await.unwrap(),
        "resume" => task::resume(&mut tx, &app.root, id).await.unwrap(),
        other => panic!("{other}"),
    };
    tx.commit().await.unwrap();
}

/// The record of a rank that gave way.
fn gave_way(code: i32) -> protocol::ExitRecord {
    let mut record = crate::runtime::fake::exit_record(code);
    record.exit.cause = ExitCause::Suspended;
    record.exit.suspend = Some(protocol::SuspendEnd {
        acknowledged: true,
        ready: true,
        forced: false,
    });
    record
}

async fn submit_at(app: &TestApp, name: &str, nodes: u32, priority: i32) -> Task {
    let mut document = app.document(name, nodes);
    document["priority"] = json!(priority);
    app.submit_document(&app.root, document).await.unwrap()
}

#[tokio::test]
async fn a_more_urgent_task_takes_the_nodes_and_the_other_resumes_when_they_are_free() {
    let app = TestApp::with_nodes(2).await;
    let background = submit_at(&app, "background", 2, 0).await;
    app.bring_up(background.id).await;
    let urgent = submit_at(&app, "urgent", 2, 30).await;
    app.settle().await;
    let (run, _) = app.run(background.id).await;
    assert_eq!(run.drain_reason, Some(DrainReason::Suspend));
    assert_eq!(wait_reason(&app, urgent.id).await, "DRAINING");
    let agent = app.agent(background.id, 0).await;
    let agent = agent.agent().unwrap();
    let (order, _) = crate::run::order_of(&app.app, agent).await.unwrap();
    assert_eq!(order.desired, protocol::Desired::Suspend);
    assert!(order.suspend.is_some(), "with the patience for it");
    // Rank 0 has saved and says so, with exit code 0; the other is stopped and obeys.
    app.runtime
        .end(&app.rank(background.id, 0).await, gave_way(0));
    app.settle().await;
    let (run, _) = app.run(background.id).await;
    assert_eq!(run.stop_at, Some(app.app.now()), "the others need not wait");
    app.runtime
        .end(&app.rank(background.id, 1).await, gave_way(143));
    app.settle().await;
    let waiting = app.task(background.id).await;
    assert_eq!(waiting.state, State::Queued);
    assert_eq!(
        app.run(background.id).await.0.outcome,
        Some(Outcome::Suspended)
    );
    app.bring_up(urgent.id).await;
    assert_eq!(app.task(urgent.id).await.state, State::Running);
    app.exit(urgent.id, 0, 0).await;
    app.exit(urgent.id, 1, 0).await;
    app.settle().await;
    assert_eq!(app.task(urgent.id).await.outcome, Some(Outcome::Succeeded));
    app.bring_up(background.id).await;
    assert_eq!(
        app.run(background.id).await.0.number,
        2,
        "it goes on by itself"
    );
}

#[tokio::test]
async fn an_equal_does_not_take_nodes() {
    let app = TestApp::with_nodes(1).await;
    let first = submit_at(&app, "first", 1, 30).await;
    app.bring_up(first.id).await;
    let second = submit_at(&app, "second", 1, 30).await;
    app.settle().await;
    assert_eq!(app.run(first.id).await.0.state, RunState::Running);
    assert_eq!(wait_reason(&app, second.id).await, "NOT_ENOUGH_NODES");
}

#[tokio::test]
async fn a_task_on_hold_waits_until_it_is_resumed() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("held", 1).await;
    app.bring_up(task.id).await;
    ask(&app, task.id, "suspend").await;
    app.settle().await;
    app.runtime.end(&app.rank(task.id, 0).await, gave_way(0));
    app.settle().await;
    assert_eq!(wait_reason(&app, task.id).await, "HELD");
    let free = crate::node::overview(app.app.reader()).await.unwrap();
    assert_eq!(free.groups[0].numbers.free, 1);
    ask(&app, task.id, "resume").await;
    app.settle().await;
    let (run, _) = app.run(task.id).await;
    assert_eq!((run.number, run.state), (2, RunState::Starting));
}

#[tokio::test]
async fn a_finished_task_is_resumed_with_its_next_number_if_its_name_is_free() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("again", 1).await;
    app.bring_up(task.id).await;
    app.exit(task.id, 0, 1).await;
    app.settle().await;
    let twin = app.submit("again", 1).await;
    let mut tx = app.app.begin().await.unwrap();
    let taken = task::resume(&mut tx, &app.root, task.id).await;
    assert!(matches!(taken, Err(crate::Error::Conflict(_))), "{taken:?}");
    drop(tx);
    stop(&app, twin.id).await;
    app.settle().await;
    app.clock.advance(TimeDelta::seconds(10));
    app.settle().await;
    ask(&app, task.id, "resume").await;
    app.settle().await;
    assert_eq!(app.run(task.id).await.0.number, 2);
    assert_eq!(app.task(task.id).await.outcome, None);
}

#[tokio::test]
async fn a_run_that_the_platform_has_spoilt_is_repeated_later_and_elsewhere() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("spoilt", 1).await;
    app.bring_up(task.id).await;
    assert_eq!(app.run(task.id).await.1[0].node_name, "node-1");
    app.runtime.vanish(&app.rank(task.id, 0).await);
    app.settle().await;
    app.clock.advance(TimeDelta::seconds(30));
    app.settle().await;
    assert_eq!(wait_reason(&app, task.id).await, "BACKOFF");
    app.clock.advance(TimeDelta::seconds(5));
    app.settle().await;
    let (run, pods) = app.run(task.id).await;
    assert_eq!((run.number, pods[0].node_name.as_str()), (2, "node-2"));
}

#[tokio::test]
async fn a_run_that_fails_is_repeated_as_often_as_its_owner_allows() {
    let app = TestApp::with_nodes(1).await;
    let mut document = app.document("fails", 1);
    document["options"] = json!({"max_restarts": 1});
    let task = app.submit_document(&app.root, document).await.unwrap();
    for run in 1..=2 {
        app.bring_up(task.id).await;
        assert_eq!(app.run(task.id).await.0.number, run);
        app.exit(task.id, 0, 3).await;
        app.settle().await;
    }
    let done = app.task(task.id).await;
    assert_eq!((done.state, done.exit_code), (State::Finished, Some(3)));
}

#[tokio::test]
async fn a_stop_during_a_suspension_wins() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("both", 1).await;
    app.bring_up(task.id).await;
    ask(&app, task.id, "suspend").await;
    app.settle().await;
    stop(&app, task.id).await;
    app.settle().await;
    let (run, _) = app.run(task.id).await;
    assert_eq!(run.drain_reason, Some(DrainReason::Stop));
    assert_eq!(
        run.stop_at,
        Some(app.app.now()),
        "the earlier deadline counts"
    );
    app.runtime.end(&app.rank(task.id, 0).await, gave_way(0));
    app.settle().await;
    assert_eq!(app.task(task.id).await.outcome, Some(Outcome::Stopped));
}

#[tokio::test]
async fn a_resume_takes_a_stop_back_and_the_task_runs_again() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("mind", 1).await;
    app.bring_up(task.id).await;
    stop(&app, task.id).await;
    app.settle().await;
    ask(&app, task.id, "resume").await;
    let mut record = crate::runtime::fake::exit_record(143);
    record.exit.cause = ExitCause::Stopped;
    app.runtime.end(&app.rank(task.id, 0).await, record);
    app.settle().await;
    let (run, _) = app.run(task.id).await;
    assert_eq!((run.number, run.state), (2, RunState::Starting));
}
