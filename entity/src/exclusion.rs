//! A node that a task stays away from for a while, because a run of it was spoilt there.

use sea_orm::entity::prelude::*;

use crate::TaskId;

/// One exclusion.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exclusion")]
pub struct Model {
    /// The task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: TaskId,
    /// The node.
    #[sea_orm(primary_key, auto_increment = false)]
    pub node_name: String,
    /// The first moment at which the task may use it again.
    pub until: DateTimeUtc,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
