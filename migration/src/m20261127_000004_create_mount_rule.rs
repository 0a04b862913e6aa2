//! Rules that say which directories whose tasks see, and who may use which environment.

use sea_orm_migration::prelude::*;

use crate::column::{id, optional, required, version, word};

const KINDS: &[&str] = &[
    "PATH",
    "DIRECTORY",
    "DIRECTORY_OR_CREATE",
    "FILE",
    "FILE_OR_CREATE",
    "SOCKET",
    "CONFIG_MAP",
    "VOLUME_CLAIM",
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        manager
            .create_table(
                Table::create()
                    .table("mount_rule")
                    .col(id())
                    .col(required("host_path").text())
                    .col(required("mount_path").text())
                    .col(required("owners").json_binary())
                    .col(required("conditions").json_binary())
                    .col(word(required("mount_type"), KINDS))
                    .col(required("read_only").boolean())
                    .col(word(required("action"), &["ADD", "REMOVE"]))
                    .col(required("active").boolean())
                    .col(required("identity").text())
                    .col(required("created_at").timestamp_with_time_zone())
                    .col(version())
                    .to_owned(),
            )
            .await?;
        // Both databases find a set in a list only row by row: the identity is a digest that can be unique.
        db.execute_unprepared(
            "CREATE UNIQUE INDEX mount_rule_one_of_a_kind ON mount_rule (identity) WHERE active",
        )
        .await?;
        // No foreign keys: an owner may be a group, and what is granted may be added later.
        manager
            .create_table(
                Table::create()
                    .table("environment_grant")
                    .col(required("owner").text())
                    .col(required("environment").text())
                    .col(required("value").big_integer())
                    .col(optional("expires_at").timestamp_with_time_zone())
                    .primary_key(Index::create().col("owner").col("environment"))
                    .to_owned(),
            )
            .await?;
        for column in [
            required("python").text().default("").take(),
            required("cuda").text().default("").take(),
            required("schema_template").text().default("").take(),
            required("hf_envs").json_binary().default("[]").take(),
        ] {
            manager
                .alter_table(
                    Table::alter()
                        .table("environment")
                        .add_column(column)
                        .to_owned(),
                )
                .await?;
        }
        // So far everybody could use every environment.
        db.execute_unprepared(
            "INSERT INTO environment_grant (owner, environment, value) SELECT 'public', name, 1 FROM environment",
        )
        .await?;
        Ok(())
    }
}
