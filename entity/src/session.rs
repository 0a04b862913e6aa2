//! A session of a browser. It is there for as long as it was not ended; the audit log tells of it afterwards.

use sea_orm::entity::prelude::*;

use crate::{AccessTokenId, SessionId, UserId};

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Number of the session.
    #[sea_orm(primary_key)]
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// The token with which it was made: it is good for no longer than that.
    pub token_id: AccessTokenId,
    /// What whoever made it calls it.
    pub name: Option<String>,
    /// SHA-256 of the secret in its cookie, as 64 hexadecimal digits.
    pub hash: String,
    /// When it began.
    pub created_at: DateTimeUtc,
    /// Address of the browser that began it; empty if it is not known.
    pub address: String,
    /// When its cookie was last made anew.
    pub used_at: DateTimeUtc,
    /// When it ends unless its cookie is made anew before.
    pub idle_at: DateTimeUtc,
    /// When it ends in any case.
    pub ends_at: DateTimeUtc,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
