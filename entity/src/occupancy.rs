//! Who holds a node: exactly one row per node, so that two runs can never hold the same one.

use sea_orm::entity::prelude::*;

use crate::RunId;

/// The holder of one node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "occupancy")]
pub struct Model {
    /// The node.
    #[sea_orm(primary_key, auto_increment = false)]
    pub node_name: String,
    /// How it is held.
    pub mode: Mode,
    /// The run that holds it exclusively; present exactly then (checked by the database).
    pub run_id: Option<RunId>,
    /// Grows with every change: taking a node is a compare-and-set.
    pub version: i64,
}

/// How a node is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Mode {
    /// By nobody.
    Free,
    /// By one run alone.
    Exclusive,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
