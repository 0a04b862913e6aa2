//! What a write leaves of itself, in its last statements: which tasks it changed, for those who look later, and what
//! people did, for those who ask who did it.

use std::collections::BTreeSet;

use entity::{TaskId, audit};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, Statement, Value};

/// Of one write, or of all that share a commit.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub(super) changed: BTreeSet<TaskId>,
    pub(super) acts: Vec<audit::ActiveModel>,
}

impl Trail {
    /// Takes what the other has.
    pub(super) fn append(&mut self, mut other: Self) {
        self.changed.append(&mut other.changed);
        self.acts.append(&mut other.acts);
    }

    /// Writes it. The marks come in order and behind all other locks: two writes that change the same tasks wait for
    /// each other, and never both at once.
    pub(super) async fn write(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        if !self.acts.is_empty() {
            let rows = audit::Entity::insert_many(self.acts);
            rows.exec_without_returning(db).await?;
        }
        if self.changed.is_empty() {
            return Ok(());
        }
        let backend = db.get_database_backend();
        let ids: serde_json::Value = self.changed.iter().map(|id| id.0).collect();
        let mark = Statement::from_sql_and_values(backend, mark(backend), [Value::from(ids)]);
        db.execute_raw(mark).await.map(drop)
    }
}

/// On PostgreSQL a write's number is that of its transaction, which a snapshot tells to be visible or not. On SQLite
/// there is one writer, so that counting is enough.
fn mark(backend: DbBackend) -> &'static str {
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
