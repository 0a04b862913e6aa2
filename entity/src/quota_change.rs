//! Who changed a quota, and from what to what.

use sea_orm::entity::prelude::*;

use crate::QuotaChangeId;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quota_change")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: QuotaChangeId,
    /// When.
    pub at: DateTimeUtc,
    /// Name of whoever held the token.
    pub editor: String,
    /// Whose quota it is: name of a user or of a user group.
    pub owner: String,
    /// Name of the resource.
    pub resource: String,
    /// What it was; absent if there was no row. Of dev containers: the packed number.
    pub before: Option<i64>,
    /// What it is now; absent if the row was removed.
    pub after: Option<i64>,
    /// When the row stops to count.
    pub expires_at: Option<DateTimeUtc>,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
