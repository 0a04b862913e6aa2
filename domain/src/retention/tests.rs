//! What is over goes when it was kept long enough, in small pieces, and nothing else.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::{
    node_state, pod, quota_change, run, session, session_code, submission, task, task_change,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sea_orm::{ActiveValue::Set, EntityTrait, NotSet, PaginatorTrait};

use super::{Keeper, MOST_ROWS, Retention};
use crate::app::Settings;
use crate::auth::sign_in;
use crate::task::{self as tasks, StopAs, Submit, TaskId, TaskSpec};
use crate::testing::TestApp;

const WEEK: TimeDelta = TimeDelta::days(7);

async fn keeping(retention: Retention) -> TestApp {
    let mut app = TestApp::with_nodes(2).await;
    let settings = Settings {
        retention,
        ..(*app.app.settings).clone()
    };
    app.app.settings = Arc::new(settings);
    app
}

/// Batches until there is no more; says how many there were.
async fn tend(app: &TestApp) -> usize {
    let mut keeper = Keeper::default();
    for n in 1..100 {
        if !keeper.tend(&app.app).await.unwrap() {
            return n;
        }
    }
    panic!("there is always more");
}

async fn stop(app: &TestApp, id: TaskId) {
    app.write(async |tx| {
        tasks::stop(tx, &app.root, id, StopAs::Stopped)
            .await
            .map(drop)
    })
    .await
    .unwrap();
}

/// A task that has run on two nodes and is finished, with a line in its log.
async fn run_to_its_end(app: &TestApp, name: &str) -> TaskId {
    let task = app.submit(name, 2).await;
    app.bring_up(task.id).await;
    let dir = log_dir(app, task.id);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("segment"), "a line\n").unwrap();
    app.exit(task.id, 0, 0).await;
    app.exit(task.id, 1, 0).await;
    app.settle().await;
    task.id
}

fn log_dir(app: &TestApp, id: TaskId) -> std::path::PathBuf {
    app.app.logs.rank_dir("admin", id.0, 1, 0)
}

async fn count<E: EntityTrait>(app: &TestApp) -> u64
where
    E::Model: Sync + Send,
{
    let rows = E::find().all(app.app.reader()).await.unwrap();
    u64::try_from(rows.len()).unwrap()
}

#[tokio::test]
async fn nothing_is_removed_unless_that_is_asked_for() {
    let app = keeping(Retention::default()).await;
    let done = run_to_its_end(&app, "done").await;
    app.clock.advance(TimeDelta::days(1000));
    assert_eq!(tend(&app).await, 1);
    assert_eq!(app.run(done).await.1.len(), 2);
    assert!(log_dir(&app, done).exists());
}

#[tokio::test]
async fn a_finished_task_goes_with_all_that_is_its_own_and_a_live_one_stays() {
    let app = keeping(Retention {
        tasks: Some(WEEK),
        ..Retention::default()
    })
    .await;
    let old = run_to_its_end(&app, "old").await;
    app.clock.advance(WEEK - TimeDelta::seconds(1));
    let young = run_to_its_end(&app, "young").await;
    let live = app.submit("live", 2).await.id;
    app.bring_up(live).await;
    assert_eq!(tend(&app).await, 1, "it is too early");
    app.clock.advance(TimeDelta::seconds(2));
    // Pods, runs, the task, and a look that finds nothing.
    assert_eq!(tend(&app).await, 4);
    let left = task::Entity::find().all(app.app.reader()).await.unwrap();
    let mut left: Vec<TaskId> = left.into_iter().map(|task| task.id).collect();
    left.sort();
    assert_eq!(left, [young, live]);
    assert_eq!(count::<run::Entity>(&app).await, 2);
    assert_eq!(count::<pod::Entity>(&app).await, 4);
    assert!(!log_dir(&app, old).exists());
    assert!(log_dir(&app, young).exists());
    assert_eq!(app.run(live).await.1.len(), 2);
}

#[tokio::test]
async fn a_task_that_runs_again_is_not_old_any_more() {
    let app = keeping(Retention {
        tasks: Some(WEEK),
        ..Retention::default()
    })
    .await;
    let again = run_to_its_end(&app, "again").await;
    app.clock.advance(WEEK + WEEK);
    app.write(async |tx| tasks::resume(tx, &app.root, again).await.map(drop))
        .await
        .unwrap();
    assert_eq!(tend(&app).await, 1);
    assert_eq!(app.run(again).await.1.len(), 2);
}

#[tokio::test]
async fn many_tasks_go_a_batch_at_a_time_and_the_next_change_is_still_told() {
    let app = keeping(Retention {
        tasks: Some(WEEK),
        ..Retention::default()
    })
    .await;
    for n in 0..120 {
        let task = app.submit(&format!("task-{n}"), 1).await;
        stop(&app, task.id).await;
    }
    let newest = task_change::Entity::find().count(app.app.reader());
    assert_eq!(newest.await.unwrap(), 120);
    app.clock.advance(WEEK + WEEK);
    let mut keeper = Keeper::default();
    assert!(keeper.tend(&app.app).await.unwrap());
    assert_eq!(count::<task::Entity>(&app).await, 70);
    tend(&app).await;
    // On SQLite the last mark stays with its task until there is another one: the next is counted from it.
    let left = u64::from(!app.app.store.is_shared());
    assert_eq!(count::<task::Entity>(&app).await, left);
    app.submit("new", 1).await;
    app.clock.advance(TimeDelta::seconds(1));
    tend(&app).await;
    assert_eq!(count::<task::Entity>(&app).await, 1);
}

#[tokio::test]
async fn logs_go_before_their_tasks() {
    let app = keeping(Retention {
        logs: Some(WEEK),
        ..Retention::default()
    })
    .await;
    let old = run_to_its_end(&app, "old").await;
    app.clock.advance(WEEK);
    let young = run_to_its_end(&app, "young").await;
    app.clock.advance(TimeDelta::seconds(1));
    let mut keeper = Keeper::default();
    for _ in 0..2 {
        assert!(!keeper.tend(&app.app).await.unwrap());
        assert!(!log_dir(&app, old).exists());
        assert!(log_dir(&app, young).exists());
    }
    app.clock.advance(WEEK);
    assert!(!keeper.tend(&app.app).await.unwrap());
    assert!(!log_dir(&app, young).exists());
    assert_eq!(count::<run::Entity>(&app).await, 2);
}

#[tokio::test]
async fn rows_by_the_thousand_go_in_batches() {
    let app = keeping(Retention {
        quota_changes: Some(WEEK),
        ..Retention::default()
    })
    .await;
    let now = app.app.now();
    let many = MOST_ROWS + MOST_ROWS / 2;
    app.write(async |tx| {
        let change = |_| quota_change::ActiveModel {
            id: NotSet,
            at: Set(now),
            editor: Set("admin".to_owned()),
            owner: Set("ana".to_owned()),
            resource: Set("node-training-HIGH".to_owned()),
            before: Set(None),
            after: Set(Some(1)),
            expires_at: Set(None),
        };
        let state = |_| node_state::ActiveModel {
            id: NotSet,
            node_name: Set("node-1".to_owned()),
            at: Set(now),
            state: Set(node_state::State::Ready),
            by_user: Set(None),
            why: Set(None),
        };
        quota_change::Entity::insert_many((0..many).map(change))
            .exec_without_returning(tx.db())
            .await?;
        node_state::Entity::insert_many((0..many).map(state))
            .exec_without_returning(tx.db())
            .await?;
        Ok(())
    })
    .await
    .unwrap();
    let states = count::<node_state::Entity>(&app).await;
    app.clock.advance(WEEK * 60);
    let mut keeper = Keeper::default();
    assert!(keeper.tend(&app.app).await.unwrap());
    assert_eq!(count::<quota_change::Entity>(&app).await, many - MOST_ROWS);
    assert_eq!(count::<node_state::Entity>(&app).await, states - MOST_ROWS);
    assert_eq!(tend(&app).await, 1);
    assert_eq!(count::<quota_change::Entity>(&app).await, 0);
    assert_eq!(count::<node_state::Entity>(&app).await, 0);
}

#[tokio::test]
async fn keys_go_after_a_day_and_sessions_a_month_after_their_end() {
    let app = keeping(Retention::default()).await;
    let document = app.document("keyed", 1);
    let input = Submit {
        spec: TaskSpec::from_json(&document).unwrap(),
        document,
        idempotency_key: Some("key".to_owned()),
        act: None,
    };
    app.write(async |tx| tasks::submit(tx, &app.app, &app.root, input.clone()).await)
        .await
        .unwrap();
    let mut random = StdRng::seed_from_u64(7);
    let token = app.root_token.reveal();
    for n in 0..2 {
        let tx = app.app.begin().await.unwrap();
        let made = crate::session::create_code(&tx, &app.root, token, None, &mut random).await;
        let (code, _) = made.unwrap();
        tx.commit().await.unwrap();
        if n == 0 {
            let mut tx = app.app.begin().await.unwrap();
            let keys = app.app.keys.clone();
            crate::session::open(&mut tx, &keys, &code, "", &mut random)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    }
    app.clock.advance(TimeDelta::minutes(1));
    tend(&app).await;
    assert_eq!(count::<submission::Entity>(&app).await, 1);
    assert_eq!(count::<session_code::Entity>(&app).await, 1);
    app.clock.advance(TimeDelta::days(2));
    tend(&app).await;
    assert_eq!(count::<submission::Entity>(&app).await, 0);
    assert_eq!(count::<session_code::Entity>(&app).await, 0);
    assert_eq!(count::<session::Entity>(&app).await, 1);
    app.clock.advance(TimeDelta::days(31));
    tend(&app).await;
    assert_eq!(count::<session::Entity>(&app).await, 0);
    let root = sign_in(app.app.reader(), app.app.now(), token).await;
    root.expect("a token without an end stays");
}
