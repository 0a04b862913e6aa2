//! A rule that gives users a mount, or takes one from them.

use sea_orm::entity::prelude::*;

use crate::{MountRuleId, Words};

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mount_rule")]
pub struct Model {
    /// Number of the rule.
    #[sea_orm(primary_key)]
    pub id: MountRuleId,
    /// What is mounted: a template.
    pub host_path: String,
    /// Where tasks see it: a template.
    pub mount_path: String,
    /// Names of users and of user groups.
    #[sea_orm(column_type = "JsonBinary")]
    pub owners: Words,
    /// All of them must hold.
    #[sea_orm(column_type = "JsonBinary")]
    pub conditions: Words,
    /// What kind of thing is mounted.
    pub mount_type: Kind,
    /// Whether tasks may only read it.
    pub read_only: bool,
    /// Whether the mount is given or taken.
    pub action: Action,
    /// Whether the rule counts.
    pub active: bool,
    /// Digest of paths, owners and conditions: no two active rules have the same.
    pub identity: String,
    /// When the rule was made.
    pub created_at: DateTimeUtc,
    /// Grows with every change.
    pub version: i64,
}

/// What kind of thing is mounted. The words of the original are in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Kind {
    /// Whatever is there (the empty word).
    Path,
    /// A directory (`Directory`).
    Directory,
    /// A directory that is made if it is not there (`DirectoryOrCreate`).
    DirectoryOrCreate,
    /// A file (`File`).
    File,
    /// A file that is made if it is not there (`FileOrCreate`).
    FileOrCreate,
    /// A Unix socket (`Socket`).
    Socket,
    /// A config map, `NAME` or `NAME:KEY` (`configmap`).
    ConfigMap,
    /// A claim of a volume, by its name (`pvc`).
    VolumeClaim,
}

/// Whether a mount is given or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Action {
    /// Given.
    Add,
    /// Taken.
    Remove,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
