//! Creates and changes users.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use domain::Error;
use domain::user::CreateUser;
use rand::rngs::StdRng;

use super::User;
use super::change::{
    SetSharedGroupGroupsInput, SetUserActiveInput, SetUserGroupsInput, SharedGroup, UpdateUserInput,
};
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
    /// What people call the user; the name if left out.
    nick_name: Option<String>,
    /// The team; `default` if left out. An external user needs another one.
    shared_group: Option<String>,
    /// Whether the user may sign in and start anything.
    #[graphql(default = true)]
    active: bool,
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
        check_count(&input.groups)?;
        let input = CreateUser {
            name: input.name,
            nick_name: input.nick_name,
            shared_group: input.shared_group,
            active: input.active,
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

    /// Changes what a user is called, and the team. Only for administrators of users.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to change.")] input: UpdateUserInput,
    ) -> Result<User> {
        let mut change = audit::begin(ctx, format!("user {}", input.user)).await?;
        let what = (&input.nick_name, &input.shared_group);
        change.tells(format!("nick name {:?}, shared group {:?}", what.0, what.1));
        let done = domain::user::change(change.tx(), ctx.actor(), input.into()).await;
        Ok(change.end(done).await?.into())
    }

    /// Lets a user in, or shuts one out: his tokens are no longer good, and his tasks do not start. Only for those who have
    /// the permission `ACTIVATE_USERS`.
    async fn set_user_active(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and whether.")] input: SetUserActiveInput,
    ) -> Result<User> {
        let mut change = audit::begin(ctx, format!("user {}", input.user)).await?;
        change.tells(format!("active: {}", input.active));
        let (user, active) = (&input.user, input.active);
        let done = domain::user::set_active(change.tx(), ctx.actor(), user, active).await;
        Ok(change.end(done).await?.into())
    }

    /// Replaces the groups of a user. Only for members of `root`.
    async fn set_user_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and which groups.")] input: SetUserGroupsInput,
    ) -> Result<User> {
        check_count(&input.groups)?;
        let mut change = audit::begin(ctx, format!("user {}", input.user)).await?;
        change.tells(input.groups.join(", "));
        let (user, groups) = (&input.user, input.groups);
        let done = domain::user::set_groups(change.tx(), ctx.actor(), user, groups).await;
        Ok(change.end(done).await?.into())
    }

    /// Replaces the groups of a team, to which all its members belong. Only for members of `root`.
    async fn set_shared_group_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which team, and which groups.")] input: SetSharedGroupGroupsInput,
    ) -> Result<SharedGroup> {
        check_count(&input.groups)?;
        let team = input.shared_group;
        let mut change = audit::begin(ctx, format!("shared group {team}")).await?;
        change.tells(input.groups.join(", "));
        let groups = input.groups.clone();
        let done = domain::user::set_team_groups(change.tx(), ctx.actor(), &team, groups).await;
        change.end(done).await?;
        Ok(SharedGroup {
            name: team,
            groups: input.groups,
        })
    }
}

fn check_count(groups: &[String]) -> domain::Result<()> {
    if groups.len() > MOST_GROUPS {
        let reason = format!("must have at most {MOST_GROUPS} entries");
        return Err(Error::invalid("groups", reason));
    }
    Ok(())
}
