//! Quotas and environments.

use sea_orm_migration::prelude::*;

use crate::column::{id, optional, required, version, word};

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
                    .table("quota")
                    .col(id())
                    .col(required("owner").text())
                    .col(word(required("kind"), &["GRANT", "CEILING"]))
                    .col(required("group_name").text())
                    .col(required("level").integer())
                    .col(required("nodes").integer().check(Expr::col("nodes").gte(0)))
                    .col(optional("expires_at").timestamp_with_time_zone())
                    .col(version())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("quota_one_row")
                    .table("quota")
                    .col("owner")
                    .col("kind")
                    .col("group_name")
                    .col("level")
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("environment")
                    .col(required("name").text().primary_key())
                    .col(required("image").text())
                    .col(required("variables").json_binary())
                    .to_owned(),
            )
            .await
    }
}
