//! What a person did, or tried to.

use sea_orm::entity::prelude::*;

use crate::AuditId;

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: AuditId,
    /// When.
    pub at: DateTimeUtc,
    /// Name of whoever holds the token.
    pub actor: String,
    /// Name of the user it was done as: the same, unless the token was given by another.
    pub user_name: String,
    /// The field of the schema, for example `stopTask`.
    pub action: String,
    /// What it was done to, for example `task 7`; empty for the platform as a whole.
    pub object: String,
    /// What more there is to know, for people; never a secret.
    pub detail: String,
    /// `OK`, or the code of the error with which it was refused.
    pub outcome: String,
    /// Address of the client, empty if it is not known.
    pub address: String,
    /// Id of the request, as in the log.
    pub request: String,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
