//! What people did, and the seals over it.

use sea_orm_migration::prelude::*;

use crate::column::{id, optional, required};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No foreign keys: it outlives what it tells of. No JSON: the text that was sealed must come back as it was.
        manager
            .create_table(
                Table::create()
                    .table("audit")
                    .col(id())
                    .col(required("at").timestamp_with_time_zone())
                    .col(required("actor").text())
                    .col(required("user_name").text())
                    .col(required("action").text())
                    .col(required("object").text())
                    .col(required("detail").text())
                    .col(required("outcome").text())
                    .col(required("address").text())
                    .col(required("request").text())
                    .to_owned(),
            )
            .await?;
        for column in ["actor", "user_name", "object"] {
            manager
                .create_index(
                    Index::create()
                        .name(format!("audit_of_{column}"))
                        .table("audit")
                        .col(column)
                        .col("id")
                        .to_owned(),
                )
                .await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("audit_seal")
                    .col(id())
                    .col(required("first_id").big_integer())
                    .col(required("last_id").big_integer().unique_key())
                    .col(required("row_count").big_integer())
                    .col(required("digest").text())
                    .col(required("sealed_at").timestamp_with_time_zone())
                    .col(optional("dropped_at").timestamp_with_time_zone())
                    .to_owned(),
            )
            .await
    }
}
