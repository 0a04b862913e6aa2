//! In which team a task is shared.

use sea_orm_migration::prelude::*;

use crate::column::optional;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = optional("shared_in");
        column.text();
        let change = Table::alter().table("task").add_column(column).to_owned();
        manager.alter_table(change).await?;
        // Few are shared: whoever lists what he may see reads his own and these.
        let index =
            "CREATE INDEX task_shared_in ON task (shared_in, id) WHERE shared_in IS NOT NULL";
        let db = manager.get_connection();
        db.execute_unprepared(index).await.map(drop)
    }
}
