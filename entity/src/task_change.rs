//! The newest write that changed a task, its runs or its pods.

use sea_orm::entity::prelude::*;

use crate::TaskId;

/// The change of one task.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_change")]
pub struct Model {
    /// The task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: TaskId,
    /// The number of the write: of the transaction on PostgreSQL, where writes end in any order; counted on SQLite.
    pub number: i64,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
