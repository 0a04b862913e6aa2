//! What went wrong with ranks, as the place where they run told it.

use sea_orm_migration::prelude::*;

use crate::column::{id, required};

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
                    .table("rank_event")
                    .col(id())
                    .col(required("run_id").big_integer())
                    .col(required("rank").integer())
                    .col(required("uid").text())
                    .col(required("reason").text())
                    .col(required("message").text())
                    .col(required("source").text())
                    .col(required("count").integer())
                    .col(required("first_at").timestamp_with_time_zone())
                    .col(required("last_at").timestamp_with_time_zone())
                    .foreign_key(
                        ForeignKey::create()
                            .from("rank_event", "run_id")
                            .to("run", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        let db = manager.get_connection();
        // What is told again changes the row that there is.
        db.execute_unprepared("CREATE UNIQUE INDEX rank_event_once ON rank_event (run_id, uid)")
            .await?;
        Ok(())
    }
}
