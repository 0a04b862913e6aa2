//! A seal over a range of [`audit`](crate::audit): a row that is changed, added or removed later no longer fits it.

use sea_orm::entity::prelude::*;

use crate::{AuditId, AuditSealId};

/// One seal.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_seal")]
pub struct Model {
    /// Number of the seal.
    #[sea_orm(primary_key)]
    pub id: AuditSealId,
    /// The first number of the range.
    pub first_id: AuditId,
    /// The last number of the range.
    pub last_id: AuditId,
    /// How many rows there were: numbers are not dense.
    pub row_count: i64,
    /// SHA-256 over the digest of the seal before it and all rows, as 64 hexadecimal digits.
    pub digest: String,
    /// When it was made.
    pub sealed_at: DateTimeUtc,
    /// When its rows were dropped, because they were old enough.
    pub dropped_at: Option<DateTimeUtc>,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
