//! Every way up leads to the same schema, on the database that `HAI_TEST_DATABASE` chooses.

use std::collections::BTreeMap;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::*;

/// A row for each table as it was when it was new, with the number of changes that a database must have for it. What was
/// added later has a default, or may be absent: the release before goes on writing rows like these.
const ROWS: &[(usize, &str)] = &[
    (
        1,
        "INSERT INTO \"user\" (name, uid, role, active, created_at)
         VALUES ('ada', 1000, 'INTERNAL', TRUE, '2026-01-02 03:04:05+00:00'),
                ('guest', 1001, 'EXTERNAL', TRUE, '2026-01-02 03:04:05+00:00')",
    ),
    (1, "INSERT INTO user_group (user_id, name) VALUES (1, 'team')"),
    (
        1,
        "INSERT INTO access_token (user_id, hash, created_at) VALUES (1, 'x', '2026-01-02 03:04:05+00:00')",
    ),
    (
        2,
        "INSERT INTO quota (owner, kind, group_name, level, nodes)
         VALUES ('ada', 'GRANT', 'training', 10, 2), ('ada', 'CEILING', 'training', 10, 3)",
    ),
    (
        2,
        "INSERT INTO environment (name, image, variables) VALUES ('old', 'image', '{}')",
    ),
    (
        3,
        "INSERT INTO host (name, group_name, cpus, memory_bytes, gpus) VALUES ('n1', 'training', 8, 1024, 8)",
    ),
    (
        3,
        "INSERT INTO node (name, status, status_since) VALUES ('n1', 'READY', '2026-01-02 03:04:05+00:00')",
    ),
    (
        4,
        "INSERT INTO task (user_id, name, state, desired, priority, group_name, node_count, spec, document, run_count,
                           spoilt_runs, failed_runs, whole_life_state, stop_code, created_at)
         VALUES (1, 't', 'RUNNING', 'RUN', 10, 'training', 1, '{}', '{}', 1, 0, 0, 0, 0, '2026-01-02 03:04:05+00:00')",
    ),
    (4, "INSERT INTO task_tag (task_id, tag) VALUES (1, 'night')"),
    (
        4,
        "INSERT INTO submission (user_id, key, document_hash, task_id, created_at)
         VALUES (1, 'k', 'h', 1, '2026-01-02 03:04:05+00:00')",
    ),
    (
        5,
        "INSERT INTO run (task_id, number, state, level, stop_code, created_at)
         VALUES (1, 1, 'RUNNING', 10, 0, '2026-01-02 03:04:05+00:00')",
    ),
    (
        5,
        "INSERT INTO pod (run_id, rank, node_name, state, silent) VALUES (1, 0, 'n1', 'RUNNING', FALSE)",
    ),
    (
        5,
        "INSERT INTO occupancy (node_name, mode, run_id) VALUES ('n1', 'EXCLUSIVE', 1)",
    ),
    (
        6,
        "INSERT INTO reservation (node_name, task_id, created_at) VALUES ('n1', 1, '2026-01-02 03:04:05+00:00')",
    ),
    (
        6,
        "INSERT INTO exclusion (task_id, node_name, until) VALUES (1, 'n1', '2026-01-02 03:04:05+00:00')",
    ),
    (7, "INSERT INTO task_change (task_id, number) VALUES (1, 1)"),
    (
        9,
        "INSERT INTO audit (at, actor, user_name, action, object, detail, outcome, address, request)
         VALUES ('2026-01-02 03:04:05+00:00', 'ada', 'ada', 'stopTask', 'task 1', '', 'OK', '', '')",
    ),
    (
        10,
        "INSERT INTO mount_rule (host_path, mount_path, owners, conditions, mount_type, read_only, action, active, identity,
                                 created_at)
         VALUES ('/a', '/a', '[]', '[]', 'PATH', TRUE, 'ADD', TRUE, 'i', '2026-01-02 03:04:05+00:00')",
    ),
    (
        12,
        "INSERT INTO resource_quota (owner, resource, amount) VALUES ('ada', 'jupyter', 1)",
    ),
    (
        13,
        "INSERT INTO session (user_id, token_id, hash, created_at, address, used_at, idle_at, ends_at)
         VALUES (1, 1, 's', '2026-01-02 03:04:05+00:00', '', '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00',
                 '2026-01-02 03:04:05+00:00')",
    ),
    (
        19,
        "INSERT INTO shared_count (id, count, ends_at) VALUES (-1, 1, '2026-01-02 03:04:05+00:00')",
    ),
    (
        20,
        "INSERT INTO rank_event (run_id, rank, uid, reason, message, source, count, first_at, last_at)
         VALUES (1, 0, 'u', 'BackOff', 'm', 'kubelet', 1, '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00')",
    ),
];

/// The changes that give environments their grants and guests their team, as numbers of changes.
const GRANTS: usize = 10;
const TEAMS: usize = 11;

/// What a database says of its schema, in an order of its own.
const SHAPE_OF_POSTGRES: &[&str] = &[
    "SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, is_nullable, column_default, is_identity)
     FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
     FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
];
const SHAPE_OF_SQLITE: &[&str] = &[
    "SELECT concat_ws(' ', tables.name, cid, columns.name, columns.type, columns.\"notnull\", dflt_value, pk)
     FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' ORDER BY 1",
    "SELECT concat_ws(' ', tbl_name, name, sql) FROM sqlite_master WHERE type = 'index' ORDER BY 1",
    "SELECT concat_ws(' ', tables.name, keys.\"from\", keys.\"table\", keys.\"to\", keys.on_delete)
     FROM sqlite_master AS tables, pragma_foreign_key_list(tables.name) AS keys WHERE tables.type = 'table' ORDER BY 1",
];
const TABLES_OF_POSTGRES: &str =
    "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
const TABLES_OF_SQLITE: &str =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

/// The first column of all rows, as text.
async fn texts(db: &DatabaseConnection, query: &str) -> Vec<String> {
    let query = Statement::from_string(db.get_database_backend(), query);
    let rows = db.query_all_raw(query).await.unwrap();
    let texts = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
    texts.collect()
}

async fn shape(db: &DatabaseConnection) -> Vec<String> {
    let queries = match db.get_database_backend() {
        DbBackend::Postgres => SHAPE_OF_POSTGRES,
        _ => SHAPE_OF_SQLITE,
    };
    let mut lines = Vec::new();
    for query in queries {
        lines.extend(texts(db, query).await);
    }
    lines
}

/// How many rows each table has, but those in which changes may leave more.
async fn counts(db: &DatabaseConnection) -> BTreeMap<String, String> {
    let tables = match db.get_database_backend() {
        DbBackend::Postgres => TABLES_OF_POSTGRES,
        _ => TABLES_OF_SQLITE,
    };
    let mut counts = BTreeMap::new();
    for table in texts(db, tables).await {
        if !["seaql_migrations", "environment_grant"].contains(&&*table) {
            let count = format!("SELECT CAST(count(*) AS text) FROM \"{table}\"");
            counts.extend(texts(db, &count).await.pop().map(|count| (table, count)));
        }
    }
    counts
}

/// A database as it was after so many changes, with rows in it.
async fn earlier(location: &Location, n_changes: usize) -> Store {
    if let Location::Sqlite(path) = location {
        make_private(path).unwrap();
    }
    let store = Store::connect(location, &Connections::default())
        .await
        .unwrap();
    // None at all is a database in which nobody was yet.
    if n_changes > 0 {
        let steps = u32::try_from(n_changes).unwrap();
        Migrator::up(&store.writer, Some(steps)).await.unwrap();
    }
    for (since, row) in ROWS {
        if *since <= n_changes {
            store.writer.execute_unprepared(row).await.unwrap();
        }
    }
    store
}

#[tokio::test]
async fn from_every_earlier_state_the_schema_becomes_that_of_a_new_database_and_no_row_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = Store::open(&crate::testing::location(dir.path()).await)
        .await
        .unwrap();
    let expected = shape(&fresh.writer).await;
    let known = Store::known_changes();
    for n_changes in 0..=known.len() {
        let dir = tempfile::tempdir().unwrap();
        let location = crate::testing::location(dir.path()).await;
        let store = earlier(&location, n_changes).await;
        let before = counts(&store.writer).await;
        let pending = Store::pending(&location).await.unwrap();
        assert_eq!(pending, known[n_changes..]);
        assert_eq!(Store::migrate(&location).await.unwrap(), pending);
        assert_eq!(shape(&store.writer).await, expected, "from {n_changes}");
        let after = counts(&store.writer).await;
        for (table, count) in before {
            assert_eq!(after.get(&table), Some(&count), "{table} from {n_changes}");
        }
        rewritten(&store.writer, n_changes).await;
        assert_eq!(
            Store::migrate(&location).await.unwrap(),
            Vec::<String>::new()
        );
        store.close().await;
    }
    fresh.close().await;
}

/// What changes have made of the rows that they found.
async fn rewritten(db: &DatabaseConnection, n_changes: usize) {
    let granted = texts(
        db,
        "SELECT owner FROM environment_grant WHERE environment = 'old'",
    )
    .await;
    let had_environment = (2..GRANTS).contains(&n_changes);
    assert_eq!(granted.len(), usize::from(had_environment), "{n_changes}");
    let team = texts(db, "SELECT shared_group FROM \"user\" WHERE name = 'guest'").await;
    let expected = match n_changes {
        0 => Vec::new(),
        1..TEAMS => vec!["guests".to_owned()],
        _ => vec!["default".to_owned()],
    };
    assert_eq!(team, expected, "{n_changes}");
    let tags = texts(db, "SELECT DISTINCT tag FROM quota").await;
    assert!(tags.iter().all(String::is_empty), "{tags:?}");
}

#[tokio::test]
async fn to_ask_what_is_pending_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let location = crate::testing::location(dir.path()).await;
    let pending = Store::pending(&location).await.unwrap();
    assert_eq!(pending, Store::known_changes());
    match &location {
        Location::Sqlite(path) => assert!(!path.exists()),
        Location::Postgres(_) => {
            let connections = Connections::default();
            let store = Store::connect(&location, &connections).await.unwrap();
            assert_eq!(texts(&store.writer, TABLES_OF_POSTGRES).await.len(), 0);
        }
    }
}
