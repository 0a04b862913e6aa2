//! A user as clients see it.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::Error;
use domain::auth::{Action, Target, UserActor, may};
use domain::quota::may_read as may_read_quotas;
use domain::user::{Role, User as Row, UserId};

use super::permission::Permission;
use crate::context::Access;
use crate::limits;
use crate::loaders::{GroupsOf, MountsOf, QuotasOf};
use crate::quota::QuotaUsage;
use crate::scalar::Long;
use crate::token::TokenScope;

/// Whose user it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum UserRole {
    /// A member of the organisation.
    Internal,
    /// A guest.
    External,
}

impl From<Role> for UserRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Internal => Self::Internal,
            Role::External => Self::External,
        }
    }
}

impl From<UserRole> for Role {
    fn from(role: UserRole) -> Self {
        match role {
            UserRole::Internal => Self::Internal,
            UserRole::External => Self::External,
        }
    }
}

/// A user with groups and quotas, which are fetched if somebody asks.
#[derive(Debug)]
pub(crate) struct User(Row);

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self(row)
    }
}

impl User {
    /// The user with this number, which another row refers to.
    pub(crate) async fn load(ctx: &Context<'_>, id: UserId) -> Result<Self> {
        let row = ctx.loaders().load(id).await?;
        let row = row.ok_or_else(|| Error::internal(format!("there is no user {id}")))?;
        Ok(Self(row))
    }

    /// Whoever asks, if it is this user.
    fn you<'a>(&self, ctx: &'a Context<'_>) -> Option<&'a UserActor> {
        ctx.actor().user().filter(|actor| actor.id == self.0.id)
    }
}

/// A person or an account that owns tasks.
#[Object]
impl User {
    /// Id of the user.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Unique name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What people call the user.
    async fn nick_name(&self) -> &str {
        self.0.nick_name.as_deref().unwrap_or(&self.0.name)
    }

    /// The team: its members belong to its groups.
    async fn shared_group(&self) -> &str {
        &self.0.shared_group
    }

    /// What you may do beyond your own things, at most one entry for each; absent for others.
    async fn permissions(&self, ctx: &Context<'_>) -> Option<Vec<Permission>> {
        let you = self.you(ctx)?;
        Some(you.permissions().into_iter().map(Into::into).collect())
    }

    /// Name of whoever holds the token that you ask with; absent for others.
    async fn holder(&self, ctx: &Context<'_>) -> Option<String> {
        self.you(ctx).map(|you| you.holder.clone())
    }

    /// What the token that you ask with is good for; absent for others.
    async fn scope(&self, ctx: &Context<'_>) -> Option<TokenScope> {
        self.you(ctx).map(|you| you.scope.into())
    }

    /// Whose user it is.
    async fn role(&self) -> UserRole {
        self.0.role.into()
    }

    /// Uid of the user's processes and files on the nodes.
    async fn uid(&self) -> Long {
        Long(self.0.uid)
    }

    /// Whether the user may sign in and start anything.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// The user groups that the user belongs to, at most one entry for each.
    async fn groups(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        let groups = ctx.loaders().load(GroupsOf(self.0.id)).await?;
        Ok(groups.unwrap_or_default())
    }

    /// What the user may hold and holds, by node group and priority: at most 8 entries for each node group. Left out is
    /// that of which nothing is granted, used or limited. Absent for others, except for administrators of their quotas.
    #[graphql(complexity = "100 + child_complexity")]
    async fn quotas(&self, ctx: &Context<'_>) -> Result<Option<Vec<QuotaUsage>>> {
        if !may_read_quotas(ctx.actor(), &self.0) {
            return Ok(None);
        }
        let quotas = ctx.loaders().load(QuotasOf(self.0.id)).await?;
        let quotas = quotas.unwrap_or_default().into_iter();
        Ok(Some(quotas.map(QuotaUsage::from).collect()))
    }

    /// The directories that the user's tasks can reach, by path: at most one entry for each. `myMounts` says why. Absent for
    /// others, except for those who have the permission `INSPECT`.
    #[graphql(complexity = "limits::SOME + child_complexity")]
    async fn mounts(&self, ctx: &Context<'_>) -> Result<Option<Vec<Mount>>> {
        if !may(ctx.actor(), Action::ReadMounts, Target::Of(self.0.id)) {
            return Ok(None);
        }
        let mounts = ctx.loaders().load(MountsOf(self.0.id)).await?;
        let mounts = mounts.unwrap_or_default().into_iter();
        Ok(Some(mounts.map(Mount::from).collect()))
    }

    /// When the user was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A directory that every node sees under the same path.
#[derive(Debug, SimpleObject)]
pub(crate) struct Mount {
    /// Absolute path.
    path: String,
    /// Whether tasks can only read it.
    read_only: bool,
}

impl From<domain::mount::Mount> for Mount {
    fn from(mount: domain::mount::Mount) -> Self {
        Self {
            path: mount.path.to_string_lossy().into_owned(),
            read_only: mount.read_only,
        }
    }
}
