//! A code that becomes a session of a browser, once. Only its hash is stored.

use sea_orm::entity::prelude::*;

use crate::{AccessTokenId, SessionCodeId, UserId};

/// One code that was not used yet.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session_code")]
pub struct Model {
    /// Number of the code.
    #[sea_orm(primary_key)]
    pub id: SessionCodeId,
    /// Whose session it becomes.
    pub user_id: UserId,
    /// The token with which it was asked for.
    pub token_id: AccessTokenId,
    /// What the session is to be called.
    pub name: Option<String>,
    /// SHA-256 of the code, as 64 hexadecimal digits.
    pub hash: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it is good no more.
    pub expires_at: DateTimeUtc,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
