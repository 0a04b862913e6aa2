//! Tagged ceilings, quotas of everything beside nodes, and who changed what.

use sea_orm_migration::prelude::*;

use crate::column::{id, optional, required, version};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        tag(manager).await?;
        resource_quota(manager).await?;
        quota_change(manager).await
    }
}

/// The rows that are there have none, and the release before writes none.
async fn tag(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut tag = required("tag");
    tag.text().default("");
    manager
        .alter_table(Table::alter().table("quota").add_column(tag).to_owned())
        .await?;
    manager
        .drop_index(
            Index::drop()
                .name("quota_one_row")
                .table("quota")
                .to_owned(),
        )
        .await?;
    let mut one_row = Index::create();
    one_row.name("quota_one_row").table("quota").unique();
    for column in ["owner", "kind", "group_name", "level", "tag"] {
        one_row.col(column);
    }
    manager.create_index(one_row).await
}

async fn resource_quota(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let at_least_0 = |name: &'static str| {
        let mut column = optional(name);
        column.integer().check(Expr::col(name).gte(0));
        column
    };
    let mut amount = required("amount");
    amount.big_integer().check(Expr::col("amount").gte(0));
    manager
        .create_table(
            Table::create()
                .table("resource_quota")
                .col(id())
                .col(required("owner").text())
                .col(required("resource").text())
                .col(amount)
                .col(at_least_0("memory_gib"))
                .col(at_least_0("cpus"))
                .col(optional("expires_at").timestamp_with_time_zone())
                .col(version())
                .to_owned(),
        )
        .await?;
    let mut one_row = Index::create();
    one_row
        .name("resource_quota_one_row")
        .table("resource_quota");
    manager
        .create_index(one_row.col("owner").col("resource").unique().to_owned())
        .await
}

/// No foreign keys: it outlives what it tells of.
async fn quota_change(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("quota_change")
                .col(id())
                .col(required("at").timestamp_with_time_zone())
                .col(required("editor").text())
                .col(required("owner").text())
                .col(required("resource").text())
                .col(optional("before").big_integer())
                .col(optional("after").big_integer())
                .col(optional("expires_at").timestamp_with_time_zone())
                .to_owned(),
        )
        .await?;
    for column in ["owner", "editor"] {
        let mut index = Index::create();
        index.name(format!("quota_change_of_{column}"));
        let index = index.table("quota_change").col(column).col("id");
        manager.create_index(index.to_owned()).await?;
    }
    Ok(())
}
