//! Plans that meet what people do meanwhile.

use scheduler::plan;

use super::{stop, submit_at};
use crate::run::DrainReason;
use crate::task::{self, State, TaskId};
use crate::testing::TestApp;
use crate::workers::decisions::make;
use crate::workers::live::Live;
use crate::workers::{Supervisor, Worker, policy};

/// Plans, lets something happen, and makes the decisions that still fit. Answers how many were planned, and made.
async fn plan_and_make(app: &TestApp, meanwhile: impl AsyncFnOnce()) -> (usize, usize) {
    let mut live = Live::load(&app.app).await.unwrap();
    let decisions = plan(&live.snapshot, &policy()).decisions;
    meanwhile().await;
    let mut tx = app.app.begin().await.unwrap();
    let made = make(&mut tx, &app.app, &mut live, &decisions).await;
    let n_made = made.unwrap().len();
    tx.commit().await.unwrap();
    (decisions.len(), n_made)
}

async fn hold(app: &TestApp, id: TaskId) {
    app.write(async |tx| task::suspend(tx, &app.root, id).await)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_task_that_is_changed_meanwhile_is_left_out_and_the_others_start() {
    let app = TestApp::with_nodes(3).await;
    let first = app.submit("first", 1).await;
    let held = app.submit("held", 1).await;
    let last = app.submit("last", 1).await;
    let made = plan_and_make(&app, async || hold(&app, held.id).await).await;
    assert_eq!(made, (3, 2));
    for (id, state) in [
        (first.id, State::Running),
        (held.id, State::Queued),
        (last.id, State::Running),
    ] {
        assert_eq!(app.task(id).await.state, state);
    }
}

#[tokio::test]
async fn nobody_gives_way_who_is_stopped_meanwhile() {
    let app = TestApp::with_nodes(2).await;
    let victim = submit_at(&app, "victim", 2, 10).await;
    app.bring_up(victim.id).await;
    let urgent = submit_at(&app, "urgent", 2, 30).await;
    let made = plan_and_make(&app, async || {
        stop(&app, victim.id).await;
        Supervisor::new(app.app.clone()).tick().await.unwrap();
    })
    .await;
    assert_eq!(made, (1, 0));
    let (run, _) = app.run(victim.id).await;
    assert_eq!(run.drain_reason, Some(DrainReason::Stop));
    assert_eq!(app.task(urgent.id).await.state, State::Queued);
}
