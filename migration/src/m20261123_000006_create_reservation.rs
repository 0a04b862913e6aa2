//! Nodes that are kept for a task, and nodes that a task stays away from.

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
        // Invariant: a node is kept for one task at most.
        manager
            .create_table(
                Table::create()
                    .table("reservation")
                    .col(required("node_name").text().primary_key())
                    .col(required("task_id").big_integer())
                    .col(required("created_at").timestamp_with_time_zone())
                    .foreign_key(
                        ForeignKey::create()
                            .from("reservation", "node_name")
                            .to("node", "name"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("reservation", "task_id")
                            .to("task", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("exclusion")
                    .col(required("task_id").big_integer())
                    .col(required("node_name").text())
                    .col(required("until").timestamp_with_time_zone())
                    .primary_key(Index::create().col("task_id").col("node_name"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("exclusion", "task_id")
                            .to("task", "id"),
                    )
                    .to_owned(),
            )
            .await
    }
}
