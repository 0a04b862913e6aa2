//! One call to the runtime, or one write to the database, fails anywhere in a life: the end is the same as without.
//!
//! A process that dies leaves what a failed call leaves: everything before it is done, nothing after it. So a failure at
//! every call and a repetition of the tick stand for a crash and a restart at every step.

use sea_orm::{DbBackend, EntityTrait, PaginatorTrait};
use serde_json::json;

use super::gave_way;
use crate::runtime::fake::FailAt;
use crate::store::faults::FailWrite;
use crate::task::{self, StopAs, Submit, Task, TaskId, TaskSpec};
use crate::testing::TestApp;

/// What fails.
#[derive(Debug, Clone, Copy)]
enum Failure {
    Call(u32),
    Change(u32, FailAt),
    Write(u32, FailWrite),
}

/// How a life ended, and how many calls, changes and writes it took.
struct Lived {
    database: DbBackend,
    end: String,
    calls: u32,
    changes: u32,
    writes: u32,
}

async fn live(life: impl AsyncFn(&TestApp), failure: Option<Failure>) -> Lived {
    let app = TestApp::with_nodes(2).await;
    let (runtime, faults) = (&app.runtime, &app.app.store.faults);
    let (calls, changes) = (runtime.n_calls(), runtime.n_changes());
    let writes = faults.n_writes();
    match failure {
        Some(Failure::Call(nth)) => runtime.fail_call(nth),
        Some(Failure::Change(nth, at)) => runtime.fail_change(nth, at),
        Some(Failure::Write(nth, at)) => faults.fail_write(nth, at),
        None => {}
    }
    life(&app).await;
    app.settle().await;
    Lived {
        database: app.app.reader().get_database_backend(),
        end: end(&app).await,
        calls: runtime.n_calls() - calls,
        changes: runtime.n_changes() - changes,
        writes: faults.n_writes() - writes,
    }
}

/// Everything that counts about the end: no times, no versions.
async fn end(app: &TestApp) -> String {
    use entity::{occupancy, pod, reservation, run, task};
    let db = app.app.reader();
    let mut lines = Vec::new();
    for task in task::Entity::find().all(db).await.unwrap() {
        lines.push(format!(
            "task {} {:?} {:?} {:?} {} {:?}",
            task.name, task.state, task.desired, task.outcome, task.stop_code, task.exit_code
        ));
    }
    for run in run::Entity::find().all(db).await.unwrap() {
        lines.push(format!(
            "run {}.{} {:?} {:?} {:?}",
            run.task_id, run.number, run.state, run.drain_reason, run.outcome
        ));
    }
    for pod in pod::Entity::find().all(db).await.unwrap() {
        lines.push(format!(
            "rank {}.{} on {}: {:?} {:?}",
            pod.run_id, pod.rank, pod.node_name, pod.state, pod.exit_code
        ));
    }
    for node in occupancy::Entity::find().all(db).await.unwrap() {
        lines.push(format!("{} {:?}", node.node_name, node.mode));
    }
    let reserved = reservation::Entity::find().count(db).await.unwrap();
    lines.push(format!("{reserved} reserved"));
    // A rank whose start failed once comes after the others.
    let mut started = app.runtime.started();
    started.sort_unstable();
    lines.push(format!("started {started:?}"));
    lines.join("\n")
}

/// Lets each change and each write of a life fail once. A call that only looks and fails leaves the same as the failure of
/// the next one that changes something.
#[expect(clippy::future_not_send, reason = "a test awaits it where it is")]
async fn check(life: impl AsyncFn(&TestApp)) {
    let undisturbed = live(&life, None).await;
    let changes = (1..=undisturbed.changes)
        .flat_map(|nth| [FailAt::Request, FailAt::Response].map(|at| Failure::Change(nth, at)));
    let writes = (1..=undisturbed.writes)
        .flat_map(|nth| [FailWrite::Begin, FailWrite::Answer].map(|at| Failure::Write(nth, at)));
    // Every one on SQLite; PostgreSQL, where a life takes longer, shows with some of them that it is no different.
    let step = match undisturbed.database {
        DbBackend::Sqlite => 1,
        _ => 7,
    };
    for failure in changes.chain(writes).step_by(step) {
        let lived = live(&life, Some(failure)).await;
        assert_eq!(lived.end, undisturbed.end, "{failure:?}");
    }
}

/// With a key, as every client that may try again.
async fn submit(app: &TestApp, name: &str, nodes: u32, priority: i32) -> Task {
    let mut document = app.document(name, nodes);
    document["priority"] = json!(priority);
    let input = Submit {
        spec: TaskSpec::from_json(&document).unwrap(),
        document,
        idempotency_key: Some(name.to_owned()),
        act: None,
    };
    app.write(async |tx| task::submit(tx, &app.app, &app.root, input.clone()).await)
        .await
        .unwrap()
}

async fn stop(app: &TestApp, id: TaskId) {
    app.write(async |tx| task::stop(tx, &app.root, id, StopAs::Stopped).await)
        .await
        .unwrap();
}

async fn hold(app: &TestApp, id: TaskId) {
    app.write(async |tx| task::suspend(tx, &app.root, id).await)
        .await
        .unwrap();
}

async fn resume(app: &TestApp, id: TaskId) {
    app.write(async |tx| task::resume(tx, &app.root, id).await)
        .await
        .unwrap();
}

/// All ranks exit with this code.
async fn exit(app: &TestApp, id: TaskId, code: i32) {
    let (_, pods) = app.run(id).await;
    for rank in (0..).take(pods.len()) {
        app.exit(id, rank, code).await;
    }
    app.settle().await;
}

/// All ranks have saved and give way.
async fn yield_nodes(app: &TestApp, id: TaskId) {
    app.settle().await;
    let (_, pods) = app.run(id).await;
    for rank in (0..).take(pods.len()) {
        app.runtime.end(&app.rank(id, rank).await, gave_way(0));
    }
    app.settle().await;
}

async fn plain(app: &TestApp) {
    let task = submit(app, "plain", 2, 10).await;
    app.bring_up(task.id).await;
    exit(app, task.id, 0).await;
}

#[tokio::test]
async fn of_a_plain_life() {
    check(plain).await;
}

#[tokio::test]
async fn of_a_plain_life_in_which_the_platform_cannot_look() {
    let undisturbed = live(plain, None).await;
    for nth in 1..=undisturbed.calls {
        let lived = live(plain, Some(Failure::Call(nth))).await;
        assert_eq!(lived.end, undisturbed.end, "call {nth}");
    }
}

#[tokio::test]
async fn of_a_suspension_in_favour_of_another() {
    check(async |app: &TestApp| {
        let background = submit(app, "background", 2, 0).await;
        app.bring_up(background.id).await;
        let urgent = submit(app, "urgent", 2, 30).await;
        yield_nodes(app, background.id).await;
        app.bring_up(urgent.id).await;
        exit(app, urgent.id, 0).await;
        app.bring_up(background.id).await;
        exit(app, background.id, 0).await;
    })
    .await;
}

#[tokio::test]
async fn of_a_hold_and_a_resume() {
    check(async |app: &TestApp| {
        let task = submit(app, "held", 1, 10).await;
        app.bring_up(task.id).await;
        hold(app, task.id).await;
        yield_nodes(app, task.id).await;
        resume(app, task.id).await;
        app.bring_up(task.id).await;
        exit(app, task.id, 0).await;
    })
    .await;
}

#[tokio::test]
async fn of_a_stop_while_it_starts() {
    check(async |app: &TestApp| {
        let task = submit(app, "early", 1, 10).await;
        app.settle().await;
        stop(app, task.id).await;
        app.settle().await;
        app.clock.advance(chrono::TimeDelta::seconds(10));
        app.settle().await;
    })
    .await;
}

#[tokio::test]
async fn of_a_stop_during_a_suspension() {
    check(async |app: &TestApp| {
        let task = submit(app, "both", 1, 10).await;
        app.bring_up(task.id).await;
        hold(app, task.id).await;
        app.settle().await;
        stop(app, task.id).await;
        yield_nodes(app, task.id).await;
    })
    .await;
}

#[tokio::test]
async fn of_a_failure_after_which_its_owner_resumes_it() {
    check(async |app: &TestApp| {
        let task = submit(app, "again", 1, 10).await;
        app.bring_up(task.id).await;
        exit(app, task.id, 3).await;
        resume(app, task.id).await;
        app.bring_up(task.id).await;
        exit(app, task.id, 0).await;
    })
    .await;
}

#[tokio::test]
async fn of_a_lost_rank_after_which_it_runs_elsewhere() {
    check(async |app: &TestApp| {
        let task = submit(app, "lost", 1, 10).await;
        app.bring_up(task.id).await;
        app.runtime.orphan(&app.rank(task.id, 0).await);
        app.settle().await;
        app.clock.advance(app.app.settings.reattach);
        app.settle().await;
        app.clock.advance(chrono::TimeDelta::seconds(10));
        app.bring_up(task.id).await;
        exit(app, task.id, 0).await;
    })
    .await;
}
