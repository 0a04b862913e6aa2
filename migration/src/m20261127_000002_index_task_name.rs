//! Tasks are looked up by name among those of everybody, finished ones too.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A name may be that of many tasks: the newest are found without reading the others.
        let db = manager.get_connection();
        db.execute_unprepared("CREATE INDEX task_by_name ON task (name, id)")
            .await?;
        Ok(())
    }
}
