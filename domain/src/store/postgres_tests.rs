//! What only PostgreSQL has: servers that start together, and limits of time. Without one, each test ends at once.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};

use super::*;

/// A new database on the server that `HAI_TEST_DATABASE` names, if it names one.
async fn server() -> Option<Location> {
    let location = crate::testing::location(Path::new("/nonexistent")).await;
    matches!(location, Location::Postgres(_)).then_some(location)
}

async fn text(db: &impl ConnectionTrait, query: &str) -> String {
    let query = Statement::from_string(DbBackend::Postgres, query);
    let row = db.query_one_raw(query).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Asks until the answer is this one.
async fn until(db: &DatabaseConnection, query: &str, answer: &str) {
    let asked = async {
        while text(db, query).await != answer {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_servers_that_start_together_on_an_empty_database_one_makes_the_schema() {
    let Some(location) = server().await else {
        return;
    };
    let tasks = TaskTracker::new();
    let starts = (0..12).map(|_| {
        let location = location.clone();
        tasks.spawn(async move { Store::migrate(&location).await })
    });
    let made = join_all(starts).await;
    let made: Vec<_> = made
        .into_iter()
        .map(|made| made.unwrap().unwrap())
        .collect();
    let all: Vec<String> = made.concat();
    assert_eq!(
        all,
        Store::known_changes(),
        "each change once, in one start"
    );
    assert_eq!(made.iter().filter(|made| !made.is_empty()).count(), 1);
}

#[tokio::test]
async fn a_start_waits_until_the_one_before_has_written_everything() {
    let Some(location) = server().await else {
        return;
    };
    let connections = Connections::default();
    let (store, first) = Store::start(&location, &connections).await.unwrap();
    let second = {
        let location = location.clone();
        TaskTracker::new().spawn(async move { Store::open(&location).await })
    };
    let waiting =
        "SELECT count(*)::text FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()";
    until(&store.writer, waiting, "1").await;
    assert!(!second.is_finished());
    first.release().await;
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_start_that_is_given_up_holds_nobody_up() {
    let Some(location) = server().await else {
        return;
    };
    let connections = Connections::default();
    let (_store, first) = Store::start(&location, &connections).await.unwrap();
    drop(first);
    let second = tokio::time::timeout(PATIENCE, Store::open(&location)).await;
    second.unwrap().unwrap();
}

#[tokio::test]
async fn every_connection_has_a_name_and_limits_of_time() {
    let Some(location) = server().await else {
        return;
    };
    let connections = Connections {
        statement_timeout: Duration::from_millis(1500),
        ..Connections::default()
    };
    let (store, start_up) = Store::start(&location, &connections).await.unwrap();
    let db = start_up.connection().unwrap();
    let changes = [
        ("application_name", "hai-platform"),
        ("statement_timeout", "0"),
        ("lock_timeout", "10s"),
    ];
    for (setting, value) in changes {
        assert_eq!(
            text(db, &format!("SHOW {setting}")).await,
            value,
            "{setting}"
        );
    }
    for (setting, value) in [
        ("application_name", "hai-platform"),
        ("statement_timeout", "1500ms"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1500ms"),
    ] {
        let shown = text(store.reader(), &format!("SHOW {setting}")).await;
        assert_eq!(shown, value, "{setting}");
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cut_and_may_be_tried_again() {
    let Some(location) = server().await else {
        return;
    };
    let connections = Connections {
        statement_timeout: Duration::from_millis(20),
        ..Connections::default()
    };
    let (store, _) = Store::start(&location, &connections).await.unwrap();
    let cut = store.reader().execute_unprepared("SELECT pg_sleep(60)");
    assert_unavailable(cut.await.unwrap_err(), "57014");
    // The connection is still good.
    assert_eq!(text(store.reader(), "SELECT 'here'").await, "here");
}

#[tokio::test]
async fn who_waits_too_long_for_a_lock_may_try_again() {
    let Some(location) = server().await else {
        return;
    };
    let store = Store::open(&location).await.unwrap();
    let lock = "LOCK TABLE task IN ACCESS EXCLUSIVE MODE";
    let holder = begin(&store).await;
    holder.execute_unprepared(lock).await.unwrap();
    let other = begin(&store).await;
    let soon = "SET LOCAL lock_timeout = '20ms'";
    other.execute_unprepared(soon).await.unwrap();
    let refused = other.execute_unprepared(lock).await;
    assert_unavailable(refused.unwrap_err(), "55P03");
}

#[tokio::test]
async fn a_transaction_that_does_nothing_is_ended_and_may_be_tried_again() {
    let Some(location) = server().await else {
        return;
    };
    let store = Store::open(&location).await.unwrap();
    let idle = begin(&store).await;
    let soon = "SET LOCAL idle_in_transaction_session_timeout = '20ms'";
    let pid = text(&idle, "SELECT pg_backend_pid()::text").await;
    idle.execute_unprepared(soon).await.unwrap();
    let gone = format!("SELECT count(*)::text FROM pg_stat_activity WHERE pid = {pid}");
    until(store.reader(), &gone, "0").await;
    let late = idle.execute_unprepared("SELECT 1").await.unwrap_err();
    assert_unavailable(late, "25P03");
}

async fn begin(store: &Store) -> sea_orm::DatabaseTransaction {
    let options = TransactionOptions::default();
    store.writer.begin_with_options(options).await.unwrap()
}

fn assert_unavailable(error: DbErr, code: &str) {
    if let DbErr::Exec(sea_orm::RuntimeErr::SqlxError(cause)) = &error
        && let Some(cause) = cause.as_database_error()
    {
        assert_eq!(cause.code().as_deref(), Some(code));
    }
    let error = Error::from(error);
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[test]
fn a_replicas_address_is_not_shown() {
    let connections = Connections {
        replica: Some("postgres://ada:s3cret@db/hai".to_owned()),
        ..Connections::default()
    };
    assert!(!format!("{connections:?}").contains("s3cret"));
}
