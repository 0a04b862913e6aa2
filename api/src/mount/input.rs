//! What administrators hand in.

use async_graphql::InputObject;
use domain::mount::{Action, Definition, Kind};

use super::words::{MountAction, MountType};

/// A mount to be given.
#[derive(Debug, InputObject)]
pub(crate) struct AddMountRuleInput {
    /// What is mounted: a template.
    host_path: String,
    /// Where tasks see it: a template.
    mount_path: String,
    /// Name of a user or of a user group; `public` is everybody.
    owner: String,
    /// All of them must hold; at most 20.
    #[graphql(default)]
    conditions: Vec<String>,
    /// What kind of thing is mounted.
    #[graphql(default_with = "MountType::Path")]
    mount_type: MountType,
    /// Whether tasks may only read it.
    read_only: bool,
    /// Also if it is probably not meant.
    #[graphql(default)]
    pub(super) force: bool,
}

/// A mount to be taken.
#[derive(Debug, InputObject)]
pub(crate) struct RemoveMountRuleInput {
    /// What is mounted: a template. With `*` at its end, everything below.
    host_path: String,
    /// Where tasks see it: a template. With `*` at its end, everything below.
    mount_path: String,
    /// Name of a user or of a user group; `public` is everybody.
    owner: String,
    /// All of them must hold; at most 20.
    #[graphql(default)]
    conditions: Vec<String>,
    /// Also if it is probably not meant.
    #[graphql(default)]
    pub(super) force: bool,
}

/// A change of the rules, to see what it would come to.
#[derive(Debug, InputObject)]
pub(crate) struct MountConflictsInput {
    /// Whether the mount is to be given or taken.
    action: MountAction,
    /// What is mounted: a template.
    host_path: String,
    /// Where tasks see it: a template.
    mount_path: String,
    /// Name of a user or of a user group; `public` is everybody.
    owner: String,
    /// All of them must hold; at most 20.
    #[graphql(default)]
    conditions: Vec<String>,
    /// What kind of thing is mounted.
    #[graphql(default_with = "MountType::Path")]
    mount_type: MountType,
}

impl From<AddMountRuleInput> for Definition {
    fn from(input: AddMountRuleInput) -> Self {
        Self {
            host_path: input.host_path,
            mount_path: input.mount_path,
            owners: vec![input.owner],
            conditions: input.conditions,
            kind: input.mount_type.into(),
            read_only: input.read_only,
            action: Action::Add,
        }
    }
}

impl From<RemoveMountRuleInput> for Definition {
    fn from(input: RemoveMountRuleInput) -> Self {
        Self {
            host_path: input.host_path,
            mount_path: input.mount_path,
            owners: vec![input.owner],
            conditions: input.conditions,
            kind: Kind::Path,
            read_only: true,
            action: Action::Remove,
        }
    }
}

impl From<MountConflictsInput> for Definition {
    fn from(input: MountConflictsInput) -> Self {
        Self {
            host_path: input.host_path,
            mount_path: input.mount_path,
            owners: vec![input.owner],
            conditions: input.conditions,
            kind: input.mount_type.into(),
            read_only: true,
            action: input.action.into(),
        }
    }
}
