//! Which process may do what only one may do at a time.

use sea_orm::entity::prelude::*;

/// The right to one kind of work.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    /// Kind of work.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The process that has it, or had it last.
    pub holder: String,
    /// Grows whenever somebody else takes it: what an earlier holder still writes is refused by it.
    pub epoch: i64,
    /// When others may take it, by the clock of the database; never while the holder lives if absent.
    pub expires_at: Option<DateTimeUtc>,
}

/// There are none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
