//! The inventory: which machines there should be.

use sea_orm::entity::prelude::*;

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "host")]
pub struct Model {
    /// Name, the same as the runtime's name of the node.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Node group it belongs to.
    pub group_name: String,
    /// Zone within the group.
    pub zone: Option<String>,
    /// Processors.
    pub cpus: i32,
    /// Memory in bytes.
    pub memory_bytes: i64,
    /// Accelerators.
    pub gpus: i32,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
