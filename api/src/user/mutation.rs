//! Creates users.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use domain::Error;
use domain::user::CreateUser;
use rand::rngs::StdRng;

use super::User;
use super::object::UserRole;
use crate::audit;
use crate::context::Access;
use crate::scalar::Long;

/// Most user groups that a new user joins.
const MOST_GROUPS: usize = 100;

/// A user to be created.
#[derive(Debug, InputObject)]
pub(crate) struct CreateUserInput {
    /// 1 to 32 lower-case letters, digits, `_` or `-`, beginning with a letter; not the name of a group.
    name: String,
    /// Whose user it is.
    #[graphql(default_with = "UserRole::Internal")]
    role: UserRole,
    /// Uid of the user's processes; the next free one if left out.
    uid: Option<Long>,
    /// User groups to join, at most 100.
    #[graphql(default)]
    groups: Vec<String>,
}

/// A new user.
#[derive(Debug, SimpleObject)]
pub(crate) struct CreatedUser {
    /// The user.
    user: User,
    /// The user's first token. It is shown only now.
    token: String,
}

/// Changes of users.
#[derive(Debug, Default)]
pub(crate) struct UserMutation;

#[Object]
impl UserMutation {
    /// Creates a user with a first token. Only for administrators of users.
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: CreateUserInput,
    ) -> Result<CreatedUser> {
        if input.groups.len() > MOST_GROUPS {
            let reason = format!("must have at most {MOST_GROUPS} entries");
            return Err(Error::invalid("groups", reason).into());
        }
        let input = CreateUser {
            name: input.name,
            role: input.role.into(),
            uid: input.uid.map(|uid| uid.0),
            groups: input.groups,
        };
        let mut random: StdRng = rand::make_rng();
        let mut change = audit::begin(ctx, format!("user {}", input.name)).await?;
        let done = domain::user::create(change.tx(), ctx.actor(), input, &mut random).await;
        let (user, token) = change.end(done).await?;
        tracing::info!(user.id = user.id.0, user.name, "a user was created");
        Ok(CreatedUser {
            user: user.into(),
            token: token.reveal().to_owned(),
        })
    }
}
