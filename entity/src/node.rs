//! What the runtime reports of a host.

use sea_orm::entity::prelude::*;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "node")]
pub struct Model {
    /// Name of the host.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Whether tasks may start on it.
    pub status: Status,
    /// Since when the status is what it is.
    pub status_since: DateTimeUtc,
    /// Grows with every change.
    pub version: i64,
}

/// Whether tasks may start on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Status {
    /// It may take tasks.
    Ready,
    /// It is cordoned, silent, or gone.
    NotReady,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
