//! What people are called and to which team they belong; whom tokens act for, who holds them, and what they are good for.

use sea_orm_migration::prelude::*;

use crate::column::{optional, required, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The team of the guests that were there before there were teams: theirs must not be `default`.
const GUESTS: &str = "guests";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut shared_group = required("shared_group");
        shared_group.text().default("default");
        let mut nick_name = optional("nick_name");
        nick_name.text();
        for column in [nick_name, shared_group] {
            add(manager, "user", column).await?;
        }
        manager
            .execute(
                Query::update()
                    .table("user")
                    .value("shared_group", GUESTS)
                    .and_where(Expr::col("role").eq("EXTERNAL"))
                    .to_owned(),
            )
            .await?;
        // Not through the builder: SQLite takes a reference only together with its column.
        let mut holder = optional("holder_id");
        holder.big_integer().extra("REFERENCES \"user\" (\"id\")");
        let mut scope = word(required("scope"), &["ALL", "EXCEPT_JUPYTER", "READ"]);
        scope.default("ALL");
        let mut name = optional("name");
        name.text();
        let mut created_by = optional("created_by");
        created_by.text();
        for column in [holder, scope, name, created_by] {
            add(manager, "access_token", column).await?;
        }
        for column in ["user_id", "holder_id"] {
            manager
                .create_index(
                    Index::create()
                        .name(format!("access_token_of_{column}"))
                        .table("access_token")
                        .col(column)
                        .to_owned(),
                )
                .await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("shared_group_group")
                    .col(required("shared_group").text())
                    .col(required("name").text())
                    .primary_key(Index::create().col("shared_group").col("name"))
                    .to_owned(),
            )
            .await
    }
}

/// One column at a time: SQLite adds no more.
async fn add(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    let change = Table::alter().table(table).add_column(column).to_owned();
    manager.alter_table(change).await
}
