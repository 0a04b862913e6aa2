//! Users, their groups and their tokens.

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
                    .table("user")
                    .col(id())
                    .col(required("name").text().unique_key())
                    .col(required("uid").big_integer().unique_key())
                    .col(word(required("role"), &["INTERNAL", "EXTERNAL"]))
                    .col(required("active").boolean())
                    .col(required("created_at").timestamp_with_time_zone())
                    .col(version())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("user_group")
                    .col(required("user_id").big_integer())
                    .col(required("name").text())
                    .primary_key(Index::create().col("user_id").col("name"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("user_group", "user_id")
                            .to("user", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("access_token")
                    .col(id())
                    .col(required("user_id").big_integer())
                    .col(required("hash").text().unique_key())
                    .col(required("created_at").timestamp_with_time_zone())
                    .col(optional("expires_at").timestamp_with_time_zone())
                    .col(optional("revoked_at").timestamp_with_time_zone())
                    .foreign_key(
                        ForeignKey::create()
                            .from("access_token", "user_id")
                            .to("user", "id"),
                    )
                    .to_owned(),
            )
            .await
    }
}
