//! Tasks, their tags and the memory of idempotency keys.

use sea_orm_migration::prelude::*;

use crate::column::{id, optional, required, version, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// How a run or a task may end.
pub(crate) const OUTCOMES: &[&str] = &[
    "SUCCEEDED",
    "FAILED",
    "STOPPED",
    "SUSPENDED",
    "TIMEOUT",
    "LOST",
    "START_FAILED",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("task")
                    .col(id())
                    .col(required("user_id").big_integer())
                    .col(required("name").text())
                    .col(word(required("state"), &["QUEUED", "RUNNING", "FINISHED"]))
                    .col(word(required("desired"), &["RUN", "HOLD", "STOP"]))
                    .col(word(
                        optional("stop_as"),
                        &["STOPPED", "SUCCEEDED", "FAILED"],
                    ))
                    .col(required("priority").integer())
                    .col(optional("custom_rank").double())
                    .col(required("group_name").text())
                    .col(optional("zone").text())
                    .col(
                        required("node_count")
                            .integer()
                            .check(Expr::col("node_count").gte(1)),
                    )
                    .col(required("spec").json_binary())
                    .col(required("document").json_binary())
                    .col(required("run_count").integer())
                    .col(optional("not_before").timestamp_with_time_zone())
                    .col(required("spoilt_runs").integer())
                    .col(required("failed_runs").integer())
                    .col(required("whole_life_state").integer())
                    .col(optional("wait").json_binary())
                    .col(word(optional("outcome"), OUTCOMES))
                    .col(required("stop_code").integer())
                    .col(optional("exit_code").integer())
                    .col(required("created_at").timestamp_with_time_zone())
                    .col(optional("started_at").timestamp_with_time_zone())
                    .col(optional("finished_at").timestamp_with_time_zone())
                    .col(version())
                    .check(Expr::cust("(desired = 'STOP') = (stop_as IS NOT NULL)"))
                    .check(Expr::cust("(state = 'FINISHED') = (outcome IS NOT NULL)"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("task", "user_id")
                            .to("user", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        let db = manager.get_connection();
        // Invariant: a user has no two live tasks of one name.
        db.execute_unprepared(
            "CREATE UNIQUE INDEX task_one_live_name ON task (user_id, name) WHERE state <> 'FINISHED'",
        )
        .await?;
        // Workers ask for the tasks that live: as fast as they are few, however long the history is.
        db.execute_unprepared("CREATE INDEX task_by_state ON task (state)")
            .await?;
        db.execute_unprepared("CREATE INDEX task_of_user ON task (user_id, id)")
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("task_tag")
                    .col(required("task_id").big_integer())
                    .col(required("tag").text())
                    .primary_key(Index::create().col("task_id").col("tag"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("task_tag", "task_id")
                            .to("task", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("submission")
                    .col(required("user_id").big_integer())
                    .col(required("key").text())
                    .col(required("document_hash").text())
                    .col(required("task_id").big_integer())
                    .col(required("created_at").timestamp_with_time_zone())
                    .primary_key(Index::create().col("user_id").col("key"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("submission", "task_id")
                            .to("task", "id"),
                    )
                    .to_owned(),
            )
            .await
    }
}
