//! How many nodes a user, or every member of a user group, may hold in a node group at a priority.

use sea_orm::entity::prelude::*;

use crate::QuotaId;

/// One quota row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quota")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: QuotaId,
    /// Name of a user or of a user group; `public` stands for everybody, each by himself.
    pub owner: String,
    /// What the value means.
    pub kind: Kind,
    /// Tells ceilings of one owner apart; empty without, and for grants.
    pub tag: String,
    /// Node group.
    pub group_name: String,
    /// Priority level: 50, 40, 30, 20, 10, 8, 5 or 0.
    pub level: i32,
    /// Nodes at the same time, ≥ 0.
    pub nodes: i32,
    /// When the row stops to count.
    pub expires_at: Option<DateTimeUtc>,
    /// Grows with every change.
    pub version: i64,
}

/// What the value of a row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Kind {
    /// What is granted: a user's own row beats the rows of his groups, of which the largest counts.
    Grant,
    /// A ceiling over the grant: the smallest counts.
    Ceiling,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
