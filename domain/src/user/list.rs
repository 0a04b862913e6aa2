//! Lists users by name.

use entity::user;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::{Role, User};
use crate::auth::{Action, Actor, Target, require};
use crate::error::Result;

/// Which users; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those with one of these names.
    pub names: Option<Vec<String>>,
    /// Only those of this role.
    pub role: Option<Role>,
    /// Only those who may, or may not, come in.
    pub active: Option<bool>,
    /// Only those of this team.
    pub shared_group: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// By name.
    pub users: Vec<User>,
    /// Whether there are more.
    pub has_more: bool,
}

/// A page of users, behind a name if that is given.
///
/// # Errors
/// [`Error::Forbidden`](crate::Error::Forbidden) for guests.
pub async fn list(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: &Filter,
    behind: Option<&str>,
    limit: u64,
) -> Result<Page> {
    require(actor, Action::ReadUsers, Target::Platform)?;
    let mut query = matching(filter).order_by_asc(user::Column::Name);
    if let Some(name) = behind {
        query = query.filter(user::Column::Name.gt(name));
    }
    let mut users = query.limit(limit + 1).all(db).await?;
    let has_more = users.len() as u64 > limit;
    users.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Page { users, has_more })
}

/// How many users there are.
///
/// # Errors
/// As [`list`].
pub async fn count(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter) -> Result<u64> {
    require(actor, Action::ReadUsers, Target::Platform)?;
    Ok(matching(filter).count(db).await?)
}

fn matching(filter: &Filter) -> Select<user::Entity> {
    let mut query = user::Entity::find();
    if let Some(names) = &filter.names {
        query = query.filter(user::Column::Name.is_in(names.iter().map(String::as_str)));
    }
    if let Some(role) = filter.role {
        query = query.filter(user::Column::Role.eq(role));
    }
    if let Some(active) = filter.active {
        query = query.filter(user::Column::Active.eq(active));
    }
    if let Some(team) = &filter.shared_group {
        query = query.filter(user::Column::SharedGroup.eq(team));
    }
    query
}
