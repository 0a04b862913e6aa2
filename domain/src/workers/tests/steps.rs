//! How few looks it takes: each one more is time in which a task does not run and a node is not free.

use crate::task::State;
use crate::testing::TestApp;

#[tokio::test]
async fn what_was_planned_is_started_at_the_first_look() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("first", 2).await;
    app.tick().await.unwrap();
    assert_eq!(app.runtime.started().len(), 2);
    let (run, _) = app.run(task.id).await;
    assert!(run.master_addr.is_some(), "where to meet is known before");
}

#[tokio::test]
async fn a_run_of_which_nothing_is_left_is_over_at_the_first_look() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("first", 2).await;
    app.bring_up(task.id).await;
    app.exit(task.id, 0, 0).await;
    app.exit(task.id, 1, 0).await;
    app.tick().await.unwrap();
    assert_eq!(app.task(task.id).await.state, State::Finished);
}

#[tokio::test]
async fn a_run_with_processes_only_begins_to_end() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("first", 1).await;
    app.bring_up(task.id).await;
    super::stop(&app, task.id).await;
    app.tick().await.unwrap();
    assert_eq!(
        app.task(task.id).await.state,
        State::Running,
        "its processes are still there"
    );
}
