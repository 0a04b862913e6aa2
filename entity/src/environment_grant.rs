//! Who may use which environment.

use sea_orm::entity::prelude::*;

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "environment_grant")]
pub struct Model {
    /// Name of a user or of a user group; `public` stands for everybody.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner: String,
    /// Name of the environment; `${user_name}` in it stands for the name of whoever asks.
    #[sea_orm(primary_key, auto_increment = false)]
    pub environment: String,
    /// From 1 on it is granted, and the highest is the default; 0 denies.
    pub value: i64,
    /// When the row stops to count.
    pub expires_at: Option<DateTimeUtc>,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
