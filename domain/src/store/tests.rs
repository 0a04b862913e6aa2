//! What the database itself forbids, on the database that `HAI_TEST_DATABASE` chooses.

use std::os::unix::fs::PermissionsExt;

use entity::{RunId, occupancy, pod, run, task};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, NotSet, SqlErr, Statement,
};

use super::*;
use crate::events::Event;
use crate::testing::TestApp;

/// Whether the database has refused a row because of a uniqueness.
fn is_refused<T: std::fmt::Debug>(result: std::result::Result<T, DbErr>) -> bool {
    let error = result.expect_err("the database must refuse it");
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[tokio::test]
async fn two_live_tasks_of_one_name_for_one_user_are_impossible() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("same", 9).await;
    let mut twin = task.clone().into_active_model();
    twin.id = NotSet;
    let tx = app.app.begin().await.unwrap();
    assert!(is_refused(twin.clone().insert(tx.db()).await));
    drop(tx);
    twin.state = Set(task::State::Finished);
    twin.outcome = Set(Some(task::Outcome::Succeeded));
    let tx = app.app.begin().await.unwrap();
    twin.insert(tx.db())
        .await
        .expect("a finished one may have the name");
}

#[tokio::test]
async fn two_open_runs_of_one_task_are_impossible() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("one", 1).await;
    app.bring_up(task.id).await;
    let (run, _) = app.run(task.id).await;
    let mut twin = run.into_active_model();
    twin.id = NotSet;
    twin.number = Set(2);
    let tx = app.app.begin().await.unwrap();
    assert!(is_refused(twin.clone().insert(tx.db()).await));
    drop(tx);
    twin.state = Set(run::State::Ended);
    twin.outcome = Set(Some(task::Outcome::Lost));
    let tx = app.app.begin().await.unwrap();
    twin.insert(tx.db()).await.expect("an ended one is history");
}

#[tokio::test]
async fn two_pods_of_one_rank_of_a_run_are_impossible() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("one", 1).await;
    app.bring_up(task.id).await;
    let (_, pods) = app.run(task.id).await;
    let mut twin = pods[0].clone().into_active_model();
    twin.id = NotSet;
    twin.node_name = Set("node-2".to_owned());
    let tx = app.app.begin().await.unwrap();
    assert!(is_refused(twin.insert(tx.db()).await));
}

#[tokio::test]
async fn two_holders_of_one_node_are_impossible() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("one", 1).await;
    app.bring_up(task.id).await;
    let (run, pods) = app.run(task.id).await;
    let tx = app.app.begin().await.unwrap();
    let second_row = occupancy::ActiveModel {
        node_name: Set("node-1".to_owned()),
        mode: Set(occupancy::Mode::Exclusive),
        run_id: Set(Some(run.id)),
        version: Set(0),
    };
    let inserted = occupancy::Entity::insert(second_row)
        .exec_without_returning(tx.db())
        .await;
    assert!(is_refused(inserted));
    drop(tx);
    let mut second_pod = pods[0].clone().into_active_model();
    second_pod.id = NotSet;
    second_pod.rank = Set(1);
    second_pod.state = Set(pod::State::Created);
    let tx = app.app.begin().await.unwrap();
    assert!(is_refused(second_pod.insert(tx.db()).await));
}

#[tokio::test]
async fn a_node_is_held_exactly_when_somebody_holds_it() {
    let app = TestApp::with_nodes(1).await;
    for (mode, run_id) in [
        (occupancy::Mode::Exclusive, None),
        (occupancy::Mode::Free, Some(RunId(1))),
    ] {
        let tx = app.app.begin().await.unwrap();
        let row = occupancy::ActiveModel {
            node_name: Set("node-1".to_owned()),
            mode: Set(mode),
            run_id: Set(run_id),
            version: Set(1),
        };
        row.update(tx.db())
            .await
            .expect_err("the database must refuse it");
    }
}

#[tokio::test]
async fn what_is_not_committed_never_happened_and_wakes_nobody() {
    let app = TestApp::with_nodes(1).await;
    let mut listener = app.app.events.subscribe();
    let mut tx = app.app.begin().await.unwrap();
    tx.wake(Event::Quotas);
    drop(tx);
    let mut tx = app.app.begin().await.unwrap();
    tx.wake(Event::Nodes);
    tx.commit().await.unwrap();
    assert_eq!(listener.next().await, Event::Nodes);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let location = crate::testing::location(dir.path()).await;
    let store = Store::open(&location).await.unwrap();
    store
        .writer
        .execute_unprepared(
            "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m2999_future', 0)",
        )
        .await
        .unwrap();
    store.close().await;
    let error = Store::open(&location).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer(change) if change == "m2999_future"));
}

#[tokio::test]
async fn the_files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.db");
    let _store = Store::open(&Location::Sqlite(path.clone())).await.unwrap();
    for file in [&path, &path.with_file_name("platform.db-wal")] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn what_was_written_moves_out_of_the_write_ahead_log_which_does_not_grow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.db");
    let store = Store::open(&Location::Sqlite(path.clone())).await.unwrap();
    let wal = path.with_file_name("platform.db-wal");
    store.checkpoint().await.unwrap();
    let before = std::fs::metadata(&wal).unwrap().len();
    for _ in 0..16 {
        for _ in 0..32 {
            let tx = begin(&store).await.unwrap();
            let write = "UPDATE seaql_migrations SET applied_at = applied_at + 1";
            tx.db().execute_unprepared(write).await.unwrap();
            tx.commit().await.unwrap();
        }
        store.checkpoint().await.unwrap();
    }
    let after = std::fs::metadata(&wal).unwrap().len();
    assert_eq!(after, before, "it begins anew after each checkpoint");
}

#[tokio::test]
async fn a_write_that_is_given_up_while_it_begins_leaves_nothing_open() {
    let dir = tempfile::tempdir().unwrap();
    let location = crate::testing::location(dir.path()).await;
    let store = Store::open(&location).await.unwrap();
    let observer = match &location {
        Location::Sqlite(_) => None,
        Location::Postgres(url) => Some(Database::connect(url).await.unwrap()),
    };
    for n_polls in 1..40 {
        give_up(&store, n_polls).await;
        if let Some(observer) = &observer {
            let closed = tokio::time::timeout(PATIENCE, nothing_is_open(observer)).await;
            closed.expect("what nobody waits for is rolled back");
        }
    }
    // SQLite has one connection for writers: it is not lost.
    drop(begin(&store).await.unwrap());
}

/// Waits until no connection to PostgreSQL is in a transaction without doing anything.
async fn nothing_is_open(observer: &DatabaseConnection) {
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let open = Statement::from_string(DbBackend::Postgres, open);
    while let row = observer.query_one_raw(open.clone()).await.unwrap().unwrap()
        && row.try_get_by_index::<i64>(0).unwrap() > 0
    {
        tokio::task::yield_now().await;
    }
}

async fn begin(store: &Store) -> Result<Tx> {
    store.begin(DateTime::UNIX_EPOCH, &Events::default()).await
}

/// Polls the beginning of a write so often, then drops it.
async fn give_up(store: &Store, n_polls: u32) {
    let mut begin = std::pin::pin!(begin(store));
    for _ in 0..n_polls {
        if futures_util::poll!(begin.as_mut()).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
