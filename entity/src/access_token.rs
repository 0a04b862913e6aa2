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
    /// Who is meant to hold it; absent: the user.
    pub holder_id: Option<UserId>,
    /// What it is good for.
    pub scope: Scope,
    /// What whoever made it calls it.
    pub name: Option<String>,
    /// Name of whoever made it; absent: the platform.
    pub created_by: Option<String>,
    /// SHA-256 of the token, as 64 hexadecimal digits. The token itself is random (≥ 128 bits), so no salt is needed.
    pub hash: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it ends; absent: when it is revoked.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTimeUtc>,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Scope {
    /// Everything.
    All,
    /// Everything except dev containers and tokens.
    ExceptJupyter,
    /// To read.
    Read,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
