//! The memory of idempotency keys: a repeated submit returns the task of the first.

use sea_orm::entity::prelude::*;

use crate::{TaskId, UserId};

/// One submit with a key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "submission")]
pub struct Model {
    /// Who submitted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The key the client chose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 of the submitted document: the same key with another document is an error.
    pub document_hash: String,
    /// What came of it.
    pub task_id: TaskId,
    /// When; keys are kept for 24 h.
    pub created_at: DateTimeUtc,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
