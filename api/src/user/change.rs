//! What changes of users take and answer.

use async_graphql::{InputObject, SimpleObject};
use domain::user::ChangeUser;

/// What is to change of a user. What is left out stays.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateUserInput {
    /// Name of the user.
    pub(super) user: String,
    /// What people call the user.
    pub(super) nick_name: Option<String>,
    /// The team; not `default` for an external user.
    pub(super) shared_group: Option<String>,
}

impl From<UpdateUserInput> for ChangeUser {
    fn from(input: UpdateUserInput) -> Self {
        Self {
            user: input.user,
            nick_name: input.nick_name,
            shared_group: input.shared_group,
        }
    }
}

/// Whether a user may come in.
#[derive(Debug, InputObject)]
pub(crate) struct SetUserActiveInput {
    /// Name of the user.
    pub(super) user: String,
    /// Whether the user may sign in and start anything.
    pub(super) active: bool,
}

/// To which groups a user belongs.
#[derive(Debug, InputObject)]
pub(crate) struct SetUserGroupsInput {
    /// Name of the user.
    pub(super) user: String,
    /// All user groups that the user belongs to by himself, at most 100; not `public` and the name of a role.
    pub(super) groups: Vec<String>,
}

/// To which groups the members of a team belong.
#[derive(Debug, InputObject)]
pub(crate) struct SetSharedGroupGroupsInput {
    /// Name of the team.
    pub(super) shared_group: String,
    /// All user groups that its members belong to because of it, at most 100; not `public` and the name of a role.
    pub(super) groups: Vec<String>,
}

/// A team.
#[derive(Debug, SimpleObject)]
pub(crate) struct SharedGroup {
    /// Name.
    pub(super) name: String,
    /// The user groups that its members belong to because of it, at most 100.
    pub(super) groups: Vec<String>,
}
