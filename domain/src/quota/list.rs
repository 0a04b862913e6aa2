//! Lists the rows that there are, also those that count no more.

use entity::{QuotaId, ResourceQuotaId, quota, resource_quota};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{Quota, Resource, ResourceQuota, owner};
use crate::auth::{Action, Actor, Permission, Target, UserActor, may, require};
use crate::error::{Error, Result};
use crate::user::{Role, User};

/// Which rows; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this user or user group.
    pub owner: Option<String>,
    /// Only for this node group.
    pub group: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In the order of the list.
    pub rows: Vec<T>,
    /// Whether there are more.
    pub has_more: bool,
    /// How many there are in the whole list.
    pub total: u64,
}

impl<T> Page<T> {
    /// Of rows of which one more was asked for than fits.
    pub(super) fn cut(mut rows: Vec<T>, limit: u64, total: u64) -> Self {
        let has_more = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Self {
            rows,
            has_more,
            total,
        }
    }
}

/// Whether an actor may see the quotas of a user: his own, as administrator everybody's, as that of guests theirs.
pub fn may_read(actor: &Actor, user: &User) -> bool {
    let is_editor = |actor: &UserActor| actor.has(Permission::ManageExternalQuotas);
    may(actor, Action::ReadQuotas, Target::Of(user.id))
        || (user.role == Role::External && actor.user().is_some_and(is_editor))
}

/// Whose rows somebody sees.
#[derive(Debug)]
pub(super) enum Sight {
    All,
    Of(Vec<String>),
}

impl Sight {
    /// That of an actor who asks for one owner or for all: administrators see everybody's, those of guests the guests',
    /// and all others their own.
    pub(super) async fn of(
        db: &impl ConnectionTrait,
        actor: &Actor,
        owner: Option<&str>,
    ) -> Result<Self> {
        let seen = if may(actor, Action::ReadQuotas, Target::Platform) {
            Self::All
        } else {
            Self::Of(seen_by(db, actor).await?)
        };
        match (owner, seen) {
            (None, seen) => Ok(seen),
            (Some(owner), Self::Of(seen)) if !seen.iter().any(|name| name == owner) => {
                let reason = "only administrators of quotas may see those of others";
                Err(Error::Forbidden(reason.to_owned()))
            }
            (Some(owner), _) => Ok(Self::Of(vec![owner.to_owned()])),
        }
    }

    pub(super) fn condition(&self, column: impl ColumnTrait) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::Of(names) => Condition::all().add(column.is_in(names)),
        }
    }
}

async fn seen_by(db: &impl ConnectionTrait, actor: &Actor) -> Result<Vec<String>> {
    let user = actor
        .user()
        .ok_or_else(|| Error::Forbidden("this is for users only".to_owned()))?;
    require(actor, Action::ReadQuotas, Target::Of(user.id))?;
    let mut names = vec![user.name.clone()];
    if UserActor::has(user, Permission::ManageExternalQuotas) {
        names.extend(owner::external(db).await?);
    }
    Ok(names)
}

/// A page of the quotas of nodes, oldest first.
///
/// # Errors
/// [`Error::Forbidden`] if the actor may not see the quotas of that owner.
pub async fn nodes(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: &Filter,
    behind: Option<QuotaId>,
    limit: u64,
) -> Result<Page<Quota>> {
    let sight = Sight::of(db, actor, filter.owner.as_deref()).await?;
    let mut query = quota::Entity::find()
        .filter(sight.condition(quota::Column::Owner))
        .order_by_asc(quota::Column::Id);
    if let Some(group) = &filter.group {
        query = query.filter(quota::Column::GroupName.eq(group));
    }
    let total = query.clone().count(db).await?;
    if let Some(id) = behind {
        query = query.filter(quota::Column::Id.gt(id));
    }
    Ok(Page::cut(
        query.limit(limit + 1).all(db).await?,
        limit,
        total,
    ))
}

/// A page of the quotas of everything else, oldest first. Of those for a node group there are only dev containers.
///
/// # Errors
/// [`Error::Forbidden`] if the actor may not see the quotas of that owner.
pub async fn resources(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: &Filter,
    behind: Option<ResourceQuotaId>,
    limit: u64,
) -> Result<Page<ResourceQuota>> {
    use resource_quota::Column;
    let sight = Sight::of(db, actor, filter.owner.as_deref()).await?;
    let mut query = resource_quota::Entity::find()
        .filter(sight.condition(Column::Owner))
        .order_by_asc(Column::Id);
    if let Some(group) = &filter.group {
        let resource = Resource::Jupyter(group.clone()).to_string();
        query = query.filter(Column::Resource.eq(resource));
    }
    let total = query.clone().count(db).await?;
    if let Some(id) = behind {
        query = query.filter(Column::Id.gt(id));
    }
    Ok(Page::cut(
        query.limit(limit + 1).all(db).await?,
        limit,
        total,
    ))
}
