//! Marks of what a write changed, for those who look later: its last statement.

use std::collections::BTreeSet;

use entity::TaskId;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

/// Notes that the transaction changed these tasks. Ordered, and after all other locks: two writes that change the same
/// tasks wait for each other and never both at once.
pub(super) async fn changed(
    db: &impl ConnectionTrait,
    tasks: &BTreeSet<TaskId>,
) -> Result<(), DbErr> {
    if tasks.is_empty() {
        return Ok(());
    }
    let backend = db.get_database_backend();
    let ids: serde_json::Value = tasks.iter().map(|id| id.0).collect();
    let statement = Statement::from_sql_and_values(backend, insert(backend), [Value::from(ids)]);
    db.execute_raw(statement).await.map(drop)
}

/// On PostgreSQL a write's number is that of its transaction, which a snapshot tells to be visible or not. On SQLite
/// there is one writer, so that counting is enough.
fn insert(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "INSERT INTO task_change (task_id, number)
             SELECT id::bigint, pg_current_xact_id()::text::bigint
             FROM jsonb_array_elements($1) WITH ORDINALITY AS tasks (id, place) ORDER BY place
             ON CONFLICT (task_id) DO UPDATE SET number = excluded.number"
        }
        _ => {
            "INSERT INTO task_change (task_id, number)
             SELECT tasks.value, 1 + (SELECT coalesce(max(number), 0) FROM task_change)
             FROM json_each(?) AS tasks WHERE true
             ON CONFLICT (task_id) DO UPDATE SET number = excluded.number"
        }
    }
}
