//! What is asked all the time reads little, however long the history is: PostgreSQL's own plans of the statements that the
//! code really sends, beside a million tasks. On SQLite, which has the same indexes, there is nothing to look at.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use entity::{NodeStateId, RunId, TaskId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, TransactionTrait};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use tracing_subscriber::EnvFilter;

use super::*;
use crate::app::App;
use crate::audit;
use crate::auth::{Actor, sign_in};
use crate::events::Event;
use crate::node;
use crate::run;
use crate::task::{self, Changes, PageRequest, Position, ShownState, Snapshot};
use crate::testing::TestApp;
use crate::workers::{Launcher, Worker};

/// Tables that grow with the history.
const BIG: &[&str] = &[
    "task",
    "run",
    "pod",
    "task_change",
    "audit",
    "access_token",
    "node_state",
];

/// Rows that a statement may look at beyond twice those that it answers.
const SLACK: f64 = 2_000.0;

/// A million tasks of a thousand users, each with a run and a pod; the newest thousand live, and half of those run.
const FILL: &[&str] = &[
    "INSERT INTO \"user\" (name, uid, role, active, created_at)
     SELECT 'user-' || i, 100000 + i, 'INTERNAL', TRUE, now() FROM generate_series(1, 1000) AS i",
    "INSERT INTO access_token (user_id, hash, created_at)
     SELECT 2 + i % 1000, 'hash-' || i, now() FROM generate_series(1, 50000) AS i",
    "INSERT INTO task (user_id, name, state, desired, priority, group_name, node_count, spec, document, run_count, spoilt_runs,
                       failed_runs, whole_life_state, stop_code, created_at, outcome)
     SELECT 2 + i % 1000, 'train-' || i % 50000,
            CASE WHEN i > 999500 THEN 'QUEUED' WHEN i > 999000 THEN 'RUNNING' ELSE 'FINISHED' END,
            'RUN', 20, 'training', 1, '{}', '{}', CASE WHEN i > 999500 THEN 0 ELSE 1 END, 0, 0, 0, 0,
            now() - (1000000 - i) * interval '1 second', CASE WHEN i > 999000 THEN NULL ELSE 'SUCCEEDED' END
     FROM generate_series(1, 1000000) AS i",
    "INSERT INTO run (task_id, number, state, level, stop_code, created_at, started_at, outcome)
     SELECT i, 1, CASE WHEN i > 999000 THEN 'RUNNING' ELSE 'ENDED' END, 20, 0, now() - (1000000 - i) * interval '1 second',
            now() - (1000000 - i) * interval '1 second', CASE WHEN i > 999000 THEN NULL ELSE 'SUCCEEDED' END
     FROM generate_series(1, 999500) AS i",
    "INSERT INTO pod (run_id, rank, node_name, state, silent, released_at)
     SELECT i, 0, CASE WHEN i > 999000 THEN 'open-' || i ELSE 'node-' || i % 1000 END,
            CASE WHEN i > 999000 THEN 'RUNNING' ELSE 'SUCCEEDED' END, FALSE, CASE WHEN i > 999000 THEN NULL ELSE now() END
     FROM generate_series(1, 999500) AS i",
    // The number of a write is that of a transaction: those before now.
    "INSERT INTO task_change (task_id, number) SELECT i, 3 + i / 2500 FROM generate_series(1, 1000000) AS i",
    "INSERT INTO audit (at, actor, user_name, action, object, detail, outcome, address, request)
     SELECT now(), 'user-' || i % 1000, 'user-' || i % 1000, 'submitTask', 'task ' || i, '', 'OK', '', ''
     FROM generate_series(1, 300000) AS i",
    "INSERT INTO node_state (node_name, at, state)
     SELECT 'node-' || i % 1000, now(), 'READY' FROM generate_series(1, 100000) AS i",
];

/// Indexes that are no constraints: it is much faster to make them of all rows than to keep them up.
const INDEXES: &str = "SELECT indexname::text, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)";

async fn fill(store: &Store) {
    let tx = store
        .writer
        .begin_with_options(TransactionOptions::default());
    let tx = tx.await.unwrap();
    // References are right by themselves, and a row need not be looked up for each.
    run_all(&tx, &["SET LOCAL statement_timeout = 0"]).await;
    run_all(&tx, &["SET LOCAL session_replication_role = replica"]).await;
    let indexes = Statement::from_string(DbBackend::Postgres, INDEXES);
    let indexes = tx.query_all_raw(indexes).await.unwrap();
    let text = |row: &sea_orm::QueryResult, at| row.try_get_by_index::<String>(at).unwrap();
    for index in &indexes {
        run_all(&tx, &[&format!("DROP INDEX {}", text(index, 0))]).await;
    }
    run_all(&tx, FILL).await;
    for index in &indexes {
        run_all(&tx, &[&text(index, 1)]).await;
    }
    tx.commit().await.unwrap();
    store.writer.execute_unprepared("ANALYZE").await.unwrap();
}

async fn run_all(tx: &DatabaseTransaction, statements: &[&str]) {
    for statement in statements {
        tx.execute_unprepared(statement).await.unwrap();
    }
}

/// The same database through connections on which PostgreSQL tells how it has executed each statement.
async fn explained(store: &Store) -> Store {
    let pool = store.writer.get_postgres_connection_pool();
    let options = pool.connect_options().as_ref().clone().options([
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
        ("auto_explain.log_format", "json"),
        ("auto_explain.log_level", "notice"),
    ]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let pool = DatabaseConnection::from(pool);
    Store::of(pool.clone(), pool.clone(), pool)
}

/// What PostgreSQL has told.
#[derive(Clone, Default)]
struct Plans(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Plans {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Plans {
    /// Listens to what this thread is told.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let plans = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new("sqlx::postgres::notice=info"))
            .with_writer(move || plans.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// The plans of the statements since the last time.
    fn take(&self) -> Vec<Value> {
        let told = std::mem::take(&mut *self.0.lock().unwrap());
        let lines = std::str::from_utf8(&told).unwrap().lines();
        let plan = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let message = line["fields"]["message"].as_str()?;
            let (_, plan) = message.split_once("plan:\n")?;
            Some(serde_json::from_str(plan).unwrap())
        };
        lines.filter_map(plan).collect()
    }

    /// Checks them.
    fn check(&self, what: &str) {
        let plans = self.take();
        assert!(!plans.is_empty(), "{what}: no plan was told");
        for plan in plans {
            let mut seen = Seen::default();
            seen.node(&plan["Plan"]);
            let answered = plan["Plan"]["Actual Rows"].as_f64().unwrap_or_default();
            let is_small = seen.rows <= SLACK + 2.0 * answered;
            assert!(seen.whole.is_empty() && is_small, "{what}: {plan:#}");
        }
    }
}

/// What a plan looks at.
#[derive(Default)]
struct Seen {
    /// Big tables that were read from end to end.
    whole: BTreeSet<String>,
    /// Rows of big tables.
    rows: f64,
}

impl Seen {
    fn node(&mut self, node: &Value) {
        let number = |key: &str| node[key].as_f64().unwrap_or_default();
        let table = node["Relation Name"].as_str().unwrap_or_default();
        if BIG.contains(&table) {
            if node["Node Type"] == "Seq Scan" {
                self.whole.insert(table.to_owned());
            }
            let removed = ["Rows Removed by Filter", "Rows Removed by Index Recheck"];
            let each = number("Actual Rows") + removed.map(number).iter().sum::<f64>();
            self.rows += each * number("Actual Loops");
        }
        for below in node["Plans"].as_array().into_iter().flatten() {
            self.node(below);
        }
    }
}

fn page() -> PageRequest {
    PageRequest {
        limit: 50,
        after: None,
        before: None,
        backwards: false,
    }
}

async fn tasks(app: &App, actor: &Actor, filter: task::Filter, page: PageRequest) -> usize {
    let found = task::list(app.reader(), actor, &filter, page).await;
    found.unwrap().tasks.len()
}

#[tokio::test]
async fn what_is_asked_all_the_time_reads_little_beside_a_million_tasks() {
    let test = TestApp::with_nodes(2).await;
    if test.app.store.writer.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let (user, token) = test.user("ada").await;
    let before = Snapshot::now(test.app.reader()).await.unwrap();
    fill(&test.app.store).await;
    let mut app = test.app.clone();
    app.store = explained(&test.app.store).await;
    let (db, root) = (app.reader().clone(), &test.root);
    let plans = Plans::default();
    let _listening = plans.listen();

    sign_in(&db, app.now(), token.reveal()).await.unwrap();
    plans.check("signing in");

    lists(&app, root, &user, &plans).await;
    task::get(&db, root, TaskId(500_000)).await.unwrap();
    plans.check("a task by its number");
    let mut owner = user.clone();
    if let Actor::User(owner) = &mut owner {
        owner.id = entity::UserId(500);
    }
    task::find_by_name(&db, &owner, "train-10498")
        .await
        .unwrap();
    plans.check("a task by its name");

    crate::workers::snapshot(&app).await.unwrap();
    plans.check("what the scheduler looks at");
    Launcher::new(app.clone()).tick().await.unwrap();
    plans.check("what the launcher looks at");
    let open: Vec<RunId> = (999_001..=999_500).map(RunId).collect();
    assert_eq!(run::pods_of(&db, &open).await.unwrap().len(), 500);
    let running: Vec<TaskId> = (999_001..=999_500).map(TaskId).collect();
    assert_eq!(task::load(&db, &running).await.unwrap().len(), 500);
    plans.check("what the supervisor looks at");
    run::list(&db, TaskId(77), None, 20).await.unwrap();
    plans.check("the runs of a task");

    let mut tx = test.app.begin().await.unwrap();
    tx.wake(Event::Task(TaskId(3)));
    tx.commit().await.unwrap();
    plans.take();
    let mut changes = Changes::after(Position::at(before), None);
    assert!(changes.next(&db).await.unwrap().is_some());
    plans.check("what has changed");

    history(&app, root, &plans).await;
    app.store.close().await;
}

async fn lists(app: &App, root: &Actor, user: &Actor, plans: &Plans) {
    let every = task::Filter::default;
    assert_eq!(tasks(app, root, every(), page()).await, 50);
    plans.check("the newest tasks");
    let middle = PageRequest {
        after: Some(TaskId(400_000)),
        ..page()
    };
    assert_eq!(tasks(app, root, every(), middle).await, 50);
    plans.check("older tasks");
    assert_eq!(tasks(app, user, every(), page()).await, 50);
    plans.check("somebody's tasks");
    for state in [
        ShownState::Running,
        ShownState::WaitingInit,
        ShownState::Finished,
    ] {
        let filter = task::Filter {
            states: Some(vec![state]),
            ..every()
        };
        assert_eq!(tasks(app, root, filter, page()).await, 50);
        plans.check("tasks in a state");
    }
    let filter = task::Filter {
        names: Some(vec!["train-77".to_owned()]),
        ..every()
    };
    assert_eq!(tasks(app, root, filter, page()).await, 20);
    plans.check("tasks of a name");
    let filter = task::Filter {
        user_ids: Some(vec![entity::UserId(77)]),
        states: Some(vec![ShownState::Finished]),
        ..every()
    };
    assert_eq!(tasks(app, root, filter, page()).await, 50);
    plans.check("finished tasks of somebody");
}

async fn history(app: &App, root: &Actor, plans: &Plans) {
    let db = app.reader();
    let everything = audit::Filter::default();
    for filter in [
        everything.clone(),
        audit::Filter {
            user: Some("user-7".to_owned()),
            ..everything.clone()
        },
        audit::Filter {
            object: Some("task 7".to_owned()),
            ..everything
        },
    ] {
        let found = audit::list(db, root, &filter, None, 50).await.unwrap();
        assert!(!found.entries.is_empty());
        plans.check("who did what");
    }
    let last = Some(NodeStateId(90_000));
    let states = node::history(db, root, "node-7", last, 50).await.unwrap();
    assert_eq!(states.len(), 50);
    plans.check("what has become of a node");

    let long_ago = app.now() - chrono::TimeDelta::days(10_000);
    let mut janitor = crate::retention::Keeper::default();
    assert!(!janitor.tend(app).await.unwrap());
    let later = app.now() + chrono::TimeDelta::days(10_000);
    assert!(audit::is_to_be_sealed(db, later).await.unwrap());
    assert!(!audit::is_to_be_dropped(db, long_ago).await.unwrap());
    plans.check("what the janitor looks for");
}
