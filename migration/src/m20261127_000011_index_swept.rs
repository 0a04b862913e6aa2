//! What is swept by its age is found without reading all of it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The janitor asks every few seconds whether anything is too old, and mostly nothing is.
        let db = manager.get_connection();
        db.execute_unprepared("CREATE INDEX node_state_by_age ON node_state (at)")
            .await?;
        db.execute_unprepared("CREATE INDEX submission_by_age ON submission (created_at)")
            .await?;
        Ok(())
    }
}
