//! Indexes by age over what is kept for a while.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Each is asked every few seconds for what is too old, and mostly nothing is.
        let db = manager.get_connection();
        for (name, of) in [
            ("task_by_end", "task (finished_at) WHERE state = 'FINISHED'"),
            ("run_by_end", "run (ended_at, id) WHERE state = 'ENDED'"),
            ("quota_change_by_age", "quota_change (at)"),
            ("session_by_end", "session (ends_at)"),
            ("session_by_use", "session (idle_at)"),
            ("session_code_by_end", "session_code (expires_at)"),
            ("access_token_by_end", "access_token (expires_at)"),
        ] {
            db.execute_unprepared(&format!("CREATE INDEX {name} ON {of}"))
                .await?;
        }
        Ok(())
    }
}
