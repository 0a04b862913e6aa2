//! Which process may do what only one may do at a time.

use sea_orm_migration::prelude::*;

use crate::column::{optional, required};

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
                    .table("lease")
                    .col(required("name").text().primary_key())
                    .col(required("holder").text())
                    .col(required("epoch").big_integer())
                    .col(optional("expires_at").timestamp_with_time_zone())
                    .to_owned(),
            )
            .await
    }
}
