//! How much a user, or every member of a user group, may have of anything but nodes.

use sea_orm::entity::prelude::*;

use crate::ResourceQuotaId;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_quota")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: ResourceQuotaId,
    /// Name of a user or of a user group.
    pub owner: String,
    /// Name of the resource, in its only spelling.
    pub resource: String,
    /// How much, ≥ 0; 0 denies. Of dev containers: how many.
    pub amount: i64,
    /// Of dev containers only: memory of all together.
    pub memory_gib: Option<i32>,
    /// Of dev containers only: processors of each.
    pub cpus: Option<i32>,
    /// When the row stops to count.
    pub expires_at: Option<DateTimeUtc>,
    /// Grows with every change.
    pub version: i64,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
