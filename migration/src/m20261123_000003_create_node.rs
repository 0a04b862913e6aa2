//! Hosts and nodes.

use sea_orm_migration::prelude::*;

use crate::column::{optional, required, version, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("host")
                    .col(required("name").text().primary_key())
                    .col(required("group_name").text())
                    .col(optional("zone").text())
                    .col(required("cpus").integer())
                    .col(required("memory_bytes").big_integer())
                    .col(required("gpus").integer())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("node")
                    .col(required("name").text().primary_key())
                    .col(word(required("status"), &["READY", "NOT_READY"]))
                    .col(required("status_since").timestamp_with_time_zone())
                    .col(version())
                    .foreign_key(ForeignKey::create().from("node", "name").to("host", "name"))
                    .to_owned(),
            )
            .await
    }
}
