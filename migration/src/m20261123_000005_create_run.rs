//! Runs, pods and who holds which node.

use sea_orm_migration::prelude::*;

use crate::column::{id, optional, required, version, word};
use crate::m20261123_000004_create_task::OUTCOMES;

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
                    .table("run")
                    .col(id())
                    .col(required("task_id").big_integer())
                    .col(required("number").integer())
                    .col(word(
                        required("state"),
                        &["STARTING", "RUNNING", "DRAINING", "ENDED"],
                    ))
                    .col(word(
                        optional("drain_reason"),
                        &[
                            "STOP",
                            "SUSPEND",
                            "START_FAILED",
                            "RANK_FAILED",
                            "LOST",
                            "TIMEOUT",
                            "DONE",
                        ],
                    ))
                    .col(optional("stop_at").timestamp_with_time_zone())
                    .col(optional("kill_at").timestamp_with_time_zone())
                    .col(required("level").integer())
                    .col(optional("master_addr").text())
                    .col(optional("master_port").integer())
                    .col(word(optional("outcome"), OUTCOMES))
                    .col(required("stop_code").integer())
                    .col(optional("exit_code").integer())
                    .col(optional("message").text())
                    .col(required("created_at").timestamp_with_time_zone())
                    .col(optional("started_at").timestamp_with_time_zone())
                    .col(optional("ended_at").timestamp_with_time_zone())
                    .col(version())
                    .check(Expr::cust("(state = 'ENDED') = (outcome IS NOT NULL)"))
                    .check(Expr::cust(
                        "state <> 'DRAINING' OR (drain_reason IS NOT NULL AND stop_at IS NOT NULL AND kill_at IS NOT NULL)",
                    ))
                    .foreign_key(ForeignKey::create().from("run", "task_id").to("task", "id"))
                    .to_owned(),
            )
            .await?;
        let db = manager.get_connection();
        db.execute_unprepared("CREATE UNIQUE INDEX run_number ON run (task_id, number)")
            .await?;
        // Workers ask for the runs that are open: as fast as they are few, however long the history is.
        db.execute_unprepared("CREATE INDEX run_by_state ON run (state)")
            .await?;
        // Invariant: a task has no two open runs.
        db.execute_unprepared(
            "CREATE UNIQUE INDEX run_one_open ON run (task_id) WHERE state <> 'ENDED'",
        )
        .await?;
        manager
            .create_table(
                Table::create()
                    .table("pod")
                    .col(id())
                    .col(required("run_id").big_integer())
                    .col(required("rank").integer())
                    .col(required("node_name").text())
                    .col(word(
                        required("state"),
                        &[
                            "CREATED",
                            "REGISTERED",
                            "RUNNING",
                            "SUCCEEDED",
                            "FAILED",
                            "STOPPED",
                            "LOST",
                        ],
                    ))
                    .col(optional("started_at").timestamp_with_time_zone())
                    .col(optional("ended_at").timestamp_with_time_zone())
                    .col(optional("exit_code").integer())
                    .col(optional("message").text())
                    .col(word(optional("suspend"), &["RECEIVED", "READY", "FORCED"]))
                    .col(required("silent").boolean())
                    .col(optional("log_end").big_integer())
                    .col(optional("missing_since").timestamp_with_time_zone())
                    .col(optional("released_at").timestamp_with_time_zone())
                    .col(version())
                    .foreign_key(ForeignKey::create().from("pod", "run_id").to("run", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("pod", "node_name")
                            .to("node", "name"),
                    )
                    .to_owned(),
            )
            .await?;
        // Invariant: a rank of a run has one pod.
        db.execute_unprepared("CREATE UNIQUE INDEX pod_one_rank ON pod (run_id, rank)")
            .await?;
        // Invariant: a node has one unreleased pod.
        db.execute_unprepared(
            "CREATE UNIQUE INDEX pod_one_on_node ON pod (node_name) WHERE released_at IS NULL",
        )
        .await?;
        // Invariant: one row per node, and a holder exactly when it is held exclusively.
        manager
            .create_table(
                Table::create()
                    .table("occupancy")
                    .col(required("node_name").text().primary_key())
                    .col(word(required("mode"), &["FREE", "EXCLUSIVE"]))
                    .col(optional("run_id").big_integer())
                    .col(version())
                    .check(Expr::cust("(mode = 'EXCLUSIVE') = (run_id IS NOT NULL)"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("occupancy", "node_name")
                            .to("node", "name"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("occupancy", "run_id")
                            .to("run", "id"),
                    )
                    .to_owned(),
            )
            .await
    }
}
