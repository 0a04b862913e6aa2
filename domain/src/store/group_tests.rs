//! Writes that share a commit, on SQLite.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::*;

/// A table with room for one of each number.
async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(dir.path().join("platform.db"));
    let store = Store::open(&location).await.unwrap();
    let db = &store.writer;
    db.execute_unprepared("CREATE TABLE number (n integer PRIMARY KEY)")
        .await
        .unwrap();
    (dir, store)
}

async fn begin(store: &Store) -> Tx {
    let begun = store.begin(DateTime::UNIX_EPOCH, &Events::default()).await;
    begun.unwrap()
}

async fn insert(tx: &Tx, number: u32) -> std::result::Result<(), DbErr> {
    let sql = format!("INSERT INTO number VALUES ({number})");
    tx.db().execute_unprepared(&sql).await.map(drop)
}

async fn kept(store: &Store) -> Vec<i64> {
    let query = sea_orm::Statement::from_string(DbBackend::Sqlite, "SELECT n FROM number");
    let rows = store.reader.query_all_raw(query).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

/// A write that waits for its turn, which another has.
async fn waiting(store: &Store) -> JoinHandle<Tx> {
    let before = store.turns.as_ref().unwrap().n_waiting();
    let waiter = TaskTracker::new().spawn({
        let store = store.clone();
        async move { begin(&store).await }
    });
    while store.turns.as_ref().unwrap().n_waiting() == before {
        tokio::task::yield_now().await;
    }
    waiter
}

/// A write of 1 that commits while another waits for its turn, as one did when it began.
async fn a_commit_behind_which_another_waits(
    store: &Store,
) -> (JoinHandle<Result<()>>, JoinHandle<Tx>) {
    let before = begin(store).await;
    let (first, second) = (waiting(store).await, waiting(store).await);
    drop(before);
    let first = first.await.unwrap();
    insert(&first, 1).await.unwrap();
    (TaskTracker::new().spawn(first.commit()), second)
}

#[tokio::test]
async fn writes_that_wait_for_each_other_share_a_commit() {
    let (_dir, store) = store().await;
    let (first, second) = a_commit_behind_which_another_waits(&store).await;
    let second = second.await.unwrap();
    insert(&second, 2).await.unwrap();
    assert!(!first.is_finished(), "nothing is on the disk yet");
    assert!(kept(&store).await.is_empty());
    second.commit().await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(kept(&store).await, [1, 2]);
}

#[tokio::test]
async fn a_write_that_began_alone_waits_for_nobody() {
    let (_dir, store) = store().await;
    let first = begin(&store).await;
    let second = waiting(&store).await;
    insert(&first, 1).await.unwrap();
    let first = TaskTracker::new().spawn(first.commit());
    let _second = second.await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(kept(&store).await, [1]);
}

#[tokio::test]
async fn a_write_that_began_alone_can_be_given_up() {
    let (_dir, store) = store().await;
    let first = begin(&store).await;
    insert(&first, 1).await.unwrap();
    drop(first);
    let second = begin(&store).await;
    insert(&second, 2).await.unwrap();
    second.commit().await.unwrap();
    assert_eq!(kept(&store).await, [2]);
}

#[tokio::test]
async fn a_write_that_fails_or_is_given_up_fails_alone() {
    let (_dir, store) = store().await;
    let (first, second) = a_commit_behind_which_another_waits(&store).await;
    let second = second.await.unwrap();
    let third = waiting(&store).await;
    insert(&second, 2).await.unwrap();
    insert(&second, 1).await.expect_err("there is a 1 already");
    drop(second);
    let third = third.await.unwrap();
    insert(&third, 3).await.unwrap();
    third.commit().await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(kept(&store).await, [1, 3]);
}

#[tokio::test]
async fn the_last_that_is_given_up_commits_for_those_before_it() {
    let (_dir, store) = store().await;
    let (first, second) = a_commit_behind_which_another_waits(&store).await;
    drop(second.await.unwrap());
    let patience = Duration::from_secs(60);
    timeout(patience, first).await.unwrap().unwrap().unwrap();
    assert_eq!(kept(&store).await, [1]);
}

#[tokio::test]
async fn whoever_stops_waiting_for_a_commit_does_not_undo_it() {
    let (_dir, store) = store().await;
    let tx = begin(&store).await;
    insert(&tx, 1).await.unwrap();
    let mut commit = Box::pin(tx.commit());
    assert!(futures_util::poll!(commit.as_mut()).is_pending());
    drop(commit);
    // Its turn is after that of the first.
    begin(&store).await.commit().await.unwrap();
    assert_eq!(kept(&store).await, [1]);
}

#[tokio::test]
async fn nobody_is_told_that_a_broken_transaction_was_kept() {
    let (_dir, store) = store().await;
    let (first, second) = a_commit_behind_which_another_waits(&store).await;
    let second = second.await.unwrap();
    // As SQLite itself does it when the disk is full.
    second.db().execute_unprepared("ROLLBACK").await.unwrap();
    second.commit().await.unwrap_err();
    let error = first.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    // It leaves no transaction open around those that follow, of which one is given up.
    drop(begin(&store).await);
    let third = begin(&store).await;
    insert(&third, 3).await.unwrap();
    third.commit().await.unwrap();
    assert_eq!(kept(&store).await, [3]);
}

#[tokio::test]
async fn nobody_goes_on_in_a_broken_transaction() {
    let (_dir, store) = store().await;
    let (first, second) = a_commit_behind_which_another_waits(&store).await;
    let second = second.await.unwrap();
    let third = waiting(&store).await;
    second.db().execute_unprepared("ROLLBACK").await.unwrap();
    let second = TaskTracker::new().spawn(second.commit());
    // Its turn begins in what was thought to be the transaction of all.
    third.await.unwrap_err();
    for broken in [first, second] {
        let error = broken.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    assert!(kept(&store).await.is_empty());
}
