//! The states that nodes were in.

use sea_orm::entity::prelude::*;

use crate::NodeStateId;

/// One change of a state.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "node_state")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: NodeStateId,
    /// The node.
    pub node_name: String,
    /// When.
    pub at: DateTimeUtc,
    /// What it came to.
    pub state: State,
    /// Name of who did it; absent if nobody did.
    pub by_user: Option<String>,
    /// Why, as far as it is known.
    pub why: Option<String>,
}

/// What a node came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// The runtime can start ranks on it.
    Ready,
    /// It is cordoned, silent, or gone.
    NotReady,
    /// Somebody took it from the scheduler.
    Disabled,
    /// Somebody gave it back.
    Enabled,
    /// Somebody took it out of the inventory.
    Removed,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
