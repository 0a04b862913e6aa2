//! The inventory: which machines there should be.

use sea_orm::entity::prelude::*;

use crate::Words;

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "host")]
pub struct Model {
    /// Name, the same as the runtime's name of the node.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Node group it belongs to: the last part of its path.
    pub group_name: String,
    /// Zone within the group.
    pub zone: Option<String>,
    /// Processors.
    pub cpus: i32,
    /// Memory in bytes.
    pub memory_bytes: i64,
    /// Accelerators.
    pub gpus: i32,
    /// What kind of machine it is: `gpu` or `cpu`, or another word of the administrators.
    pub kind: String,
    /// What it is for: `training`, or another word of the administrators.
    pub purpose: String,
    /// Where the node group stands in the tree of groups, with dots; absent if it is the group's name alone.
    pub group_path: Option<String>,
    /// Where the machine stands.
    pub room: Option<String>,
    /// Words of the administrators about it.
    pub flags: Words,
    /// Switch that joins leaves.
    pub spine: Option<String>,
    /// Switch that it hangs on.
    pub leaf: Option<String>,
    /// Which of the facts that the runtime reports too (`group`, `zone`, `gpus`) an administrator has set: they stay.
    pub pinned: Words,
    /// Since when it gets no new tasks.
    pub disabled_at: Option<DateTimeUtc>,
    /// Name of who disabled it.
    pub disabled_by: Option<String>,
    /// Why.
    pub disabled_why: Option<String>,
    /// When it was taken out of the inventory. The row stays, because runs refer to its node.
    pub removed_at: Option<DateTimeUtc>,
    /// Grows with every change.
    pub version: i64,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
