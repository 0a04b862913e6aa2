//! A node that is kept for a task while those who hold it give way.

use sea_orm::entity::prelude::*;

use crate::TaskId;

/// One reservation: at most one per node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation")]
pub struct Model {
    /// The node.
    #[sea_orm(primary_key, auto_increment = false)]
    pub node_name: String,
    /// Whom it is kept for.
    pub task_id: TaskId,
    /// Since when.
    pub created_at: DateTimeUtc,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
