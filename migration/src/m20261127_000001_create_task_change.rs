//! Which write changed a task last: what lets a subscriber go on where it was.

use sea_orm_migration::prelude::*;

use crate::column::required;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A table of its own, because it is written far more often than anything else of a task, and is narrow.
        manager
            .create_table(
                Table::create()
                    .table("task_change")
                    .col(required("task_id").big_integer().primary_key())
                    .col(required("number").big_integer())
                    .foreign_key(
                        ForeignKey::create()
                            .from("task_change", "task_id")
                            .to("task", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("task_change_in_order")
                    .table("task_change")
                    .col("number")
                    .col("task_id")
                    .to_owned(),
            )
            .await
    }
}
