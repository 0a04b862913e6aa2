//! A person or an account that owns tasks.

use sea_orm::entity::prelude::*;

use crate::UserId;

/// One user.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    /// Number of the user.
    #[sea_orm(primary_key)]
    pub id: UserId,
    /// Unique name; never the name of a group or a reserved word.
    pub name: String,
    /// What people call the user; absent: the name.
    pub nick_name: Option<String>,
    /// The team: its members share, and belong to the groups of the team. A guest's is never `default`.
    pub shared_group: String,
    /// Uid (and gid) of the user's processes and files on the nodes.
    pub uid: i64,
    /// Inside or outside of the organisation.
    pub role: Role,
    /// An inactive user can neither sign in nor start anything.
    pub active: bool,
    /// When the user was created.
    pub created_at: DateTimeUtc,
    /// Grows with every change: writes compare and set it.
    pub version: i64,
}

/// Inside or outside of the organisation; also the name of a group that every such user belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Role {
    /// A member of the organisation.
    Internal,
    /// A guest.
    External,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
