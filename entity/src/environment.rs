//! A named built-in environment: an image or, on the local runtime, this machine, with settings.

use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::Words;

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "environment")]
pub struct Model {
    /// Name that tasks use in `resource.image`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Container image; empty: the machine itself.
    pub image: String,
    /// Environment variables that it sets, before those of the user.
    #[sea_orm(column_type = "JsonBinary")]
    pub variables: Variables,
    /// Path of its Python; empty: whichever is found.
    pub python: String,
    /// Version of CUDA in it; empty: none.
    pub cuda: String,
    /// Document from which tasks in it are made; nothing reads it yet.
    pub schema_template: String,
    /// Environments of the `hf` family in it.
    #[sea_orm(column_type = "JsonBinary")]
    pub hf_envs: Words,
}

/// Environment variables in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Variables(pub Vec<(String, String)>);

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
