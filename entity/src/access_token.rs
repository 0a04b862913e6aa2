//! A token that acts for a user. Only its hash is stored.

use sea_orm::entity::prelude::*;

use crate::{AccessTokenId, UserId};

/// One token.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token")]
pub struct Model {
    /// Number of the token.
    #[sea_orm(primary_key)]
    pub id: AccessTokenId,
    /// Whom it acts for.
    pub user_id: UserId,
    /// SHA-256 of the token, as 64 hexadecimal digits. The token itself is random (≥ 128 bits), so no salt is needed.
    pub hash: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it ends; absent: when it is revoked.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTimeUtc>,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
