//! Counts that several servers share, where there is no Redis.

use sea_orm::entity::prelude::*;

/// What somebody has done of late. It is lost when the database crashes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shared_count")]
pub struct Model {
    /// A digest of what is counted, and of whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// How often.
    pub count: i64,
    /// When nothing of it matters any more, by the clock of the database.
    pub ends_at: DateTimeUtc,
}

/// There are none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
