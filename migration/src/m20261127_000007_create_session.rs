//! Sessions of browsers, and the codes with which they begin.

use sea_orm_migration::prelude::*;

use crate::column::{id, optional, required};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut code = of_token("session_code");
        code.col(required("expires_at").timestamp_with_time_zone());
        create(manager, "session_code", code).await?;
        let mut session = of_token("session");
        session
            .col(required("address").text())
            .col(required("used_at").timestamp_with_time_zone())
            .col(required("idle_at").timestamp_with_time_zone())
            .col(required("ends_at").timestamp_with_time_zone());
        create(manager, "session", session).await
    }
}

/// What both have: whom they are for, the token they were made with, what they are called, and a secret.
fn of_token(table: &'static str) -> TableCreateStatement {
    let mut created = Table::create();
    created
        .table(table)
        .col(id())
        .col(required("user_id").big_integer())
        .col(required("token_id").big_integer())
        .col(optional("name").text())
        .col(required("hash").text().unique_key())
        .col(required("created_at").timestamp_with_time_zone());
    for (column, other) in [("user_id", "user"), ("token_id", "access_token")] {
        let mut key = ForeignKey::create();
        created.foreign_key(key.from(table, column).to(other, "id"));
    }
    created
}

async fn create(
    manager: &SchemaManager<'_>,
    table: &'static str,
    statement: TableCreateStatement,
) -> Result<(), DbErr> {
    manager.create_table(statement).await?;
    for column in ["user_id", "token_id"] {
        let mut index = Index::create();
        index.name(format!("{table}_of_{column}"));
        let index = index.table(table).col(column).to_owned();
        manager.create_index(index).await?;
    }
    Ok(())
}
