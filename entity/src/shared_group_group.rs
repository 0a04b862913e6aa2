//! A user group that every member of a shared group belongs to.

use sea_orm::entity::prelude::*;

/// One inherited membership.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shared_group_group")]
pub struct Model {
    /// Name of the shared group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shared_group: String,
    /// Name of the user group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
