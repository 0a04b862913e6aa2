//! What administrators say of a host, whether it is disabled, the states that its node was in, and how its name is masked.

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
        let text_or = |name, text: &'static str| {
            let mut column = required(name);
            column.text().default(text);
            column
        };
        let text = |name| {
            let mut column = optional(name);
            column.text();
            column
        };
        let words = |name| {
            let mut column = required(name);
            column.json_binary().default("[]");
            column
        };
        let time = |name| {
            let mut column = optional(name);
            column.timestamp_with_time_zone();
            column
        };
        let columns = [
            text_or("kind", "gpu"),
            text_or("purpose", "training"),
            // Absent in rows that the release before writes: the same as the name of the group.
            text("group_path"),
            text("room"),
            words("flags"),
            text("spine"),
            text("leaf"),
            words("pinned"),
            time("disabled_at"),
            text("disabled_by"),
            text("disabled_why"),
            time("removed_at"),
            version(),
        ];
        // One column at a time: SQLite adds no more.
        for column in columns {
            let change = Table::alter().table("host").add_column(column).to_owned();
            manager.alter_table(change).await?;
        }
        node_state(manager).await?;
        // Which task was on a node is asked of all pods that there were.
        let mut pods = Index::create();
        pods.name("pod_of_node").table("pod");
        manager
            .create_index(pods.col("node_name").col("run_id").to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("platform_key")
                    .col(required("name").text().primary_key())
                    .col(required("value").text())
                    .to_owned(),
            )
            .await
    }
}

/// No foreign keys: it outlives what it tells of.
async fn node_state(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let states = ["READY", "NOT_READY", "DISABLED", "ENABLED", "REMOVED"];
    manager
        .create_table(
            Table::create()
                .table("node_state")
                .col(id())
                .col(required("node_name").text())
                .col(required("at").timestamp_with_time_zone())
                .col(word(required("state"), &states))
                .col(optional("by_user").text())
                .col(optional("why").text())
                .to_owned(),
        )
        .await?;
    let mut index = Index::create();
    index.name("node_state_of_node").table("node_state");
    manager
        .create_index(index.col("node_name").col("id").to_owned())
        .await
}
