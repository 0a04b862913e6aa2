//! Counts that several servers share, where there is no Redis.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::required;

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
                    .table("shared_count")
                    .col(required("id").big_integer().primary_key())
                    .col(required("count").big_integer())
                    .col(required("ends_at").timestamp_with_time_zone())
                    .to_owned(),
            )
            .await?;
        let db = manager.get_connection();
        // Nothing in it is worth a write to the log: after a crash it is empty.
        if manager.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared("ALTER TABLE shared_count SET UNLOGGED")
                .await?;
        }
        db.execute_unprepared("CREATE INDEX shared_count_by_end ON shared_count (ends_at)")
            .await?;
        Ok(())
    }
}
