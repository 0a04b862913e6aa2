//! A changed priority moves tasks in the line, and runs to another level.

use super::{submit_at, wait_reason};
use crate::error::Error;
use crate::run::DrainReason;
use crate::task::{self, Lasts, Priority, Reprioritize, State, TaskId};
use crate::testing::TestApp;
use crate::{Level, auth::Actor};

fn to(level: Level) -> Reprioritize {
    Reprioritize {
        priority: Some(Priority::Fixed(level)),
        lasts: Lasts::OneRun,
        custom_rank: None,
    }
}

async fn change(app: &TestApp, actor: &Actor, id: TaskId, wish: Reprioritize) -> crate::Result<()> {
    app.write(async |tx| task::reprioritize(tx, actor, id, &wish).await)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_run_whose_priority_is_lowered_gives_way_to_who_waits() {
    let app = TestApp::with_nodes(1).await;
    let running = submit_at(&app, "running", 1, 30).await;
    app.bring_up(running.id).await;
    let waiting = submit_at(&app, "waiting", 1, 10).await;
    app.settle().await;
    assert_eq!(wait_reason(&app, waiting.id).await, "NOT_ENOUGH_NODES");
    change(&app, &app.root, running.id, to(Level::Low))
        .await
        .unwrap();
    app.settle().await;
    let (run, _) = app.run(running.id).await;
    assert_eq!(
        (run.level, run.drain_reason),
        (0, Some(DrainReason::Suspend))
    );
    assert_eq!(wait_reason(&app, waiting.id).await, "DRAINING");
}

#[tokio::test]
async fn a_waiting_task_goes_ahead_and_has_its_own_priority_again_after_its_run() {
    let app = TestApp::with_nodes(2).await;
    let (once, ever) = (to(Level::High), to(Level::VeryHigh));
    let task = submit_at(&app, "task", 1, 10).await;
    change(&app, &app.root, task.id, once).await.unwrap();
    assert_eq!(app.task(task.id).await.priority, 30);
    app.bring_up(task.id).await;
    assert_eq!(app.run(task.id).await.0.level, 30);
    app.runtime.vanish(&app.rank(task.id, 0).await);
    app.settle().await;
    app.clock.advance(app.app.settings.reattach);
    app.settle().await;
    assert_eq!(app.task(task.id).await.priority, 10, "as it was submitted");
    let lasting = Reprioritize {
        lasts: Lasts::EveryRun,
        ..ever
    };
    change(&app, &app.root, task.id, lasting).await.unwrap();
    app.clock.advance(chrono::TimeDelta::seconds(5));
    app.bring_up(task.id).await;
    app.runtime.vanish(&app.rank(task.id, 0).await);
    app.settle().await;
    app.clock.advance(app.app.settings.reattach);
    app.settle().await;
    assert_eq!(
        app.task(task.id).await.priority,
        40,
        "as if it were submitted so"
    );
}

#[tokio::test]
async fn who_may_not_and_what_makes_no_sense_is_refused() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("task", 1).await;
    let (other, _) = app.user("other").await;
    let denied = change(&app, &other, task.id, to(Level::High)).await;
    assert!(matches!(denied, Err(Error::NotFound { .. })), "{denied:?}");
    let nothing = Reprioritize {
        priority: None,
        ..to(Level::High)
    };
    let refused = change(&app, &app.root, task.id, nothing).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let endless = Reprioritize {
        custom_rank: Some(f64::INFINITY),
        ..nothing
    };
    let refused = change(&app, &app.root, task.id, endless).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    super::stop(&app, task.id).await;
    assert_eq!(app.task(task.id).await.state, State::Finished);
    let late = change(&app, &app.root, task.id, to(Level::High)).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
}
