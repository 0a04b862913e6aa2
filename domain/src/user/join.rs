//! Lets a user, or all members of a team, join one more group.

use entity::{shared_group_group, user, user_group};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{find_by_name, name};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::Tx;

/// What has come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// He belongs to it from now on.
    Now,
    /// He belonged to it before.
    Before,
    /// There is neither a user nor a team of this name.
    Nobody,
}

/// Lets a user or a team join a group without asking who wants it. A name may mean both.
///
/// # Errors
/// [`Error::Invalid`] if it is no group that can be joined.
pub(crate) async fn join(tx: &mut Tx, member: &str, group: &str) -> Result<Joined> {
    let groups = [group.to_owned()];
    let problems = name::group_problems(&groups);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    name::alone(tx).await?;
    name::no_users(tx, &groups).await?;
    let user = find_by_name(tx.db(), member).await?;
    let team = user::Entity::find().filter(user::Column::SharedGroup.eq(member));
    let is_team = team.count(tx.db()).await? > 0;
    let mut joined = match user.is_some() || is_team {
        true => Joined::Before,
        false => Joined::Nobody,
    };
    if let Some(user) = user {
        let key = (user.id, group.to_owned());
        if user_group::Entity::find_by_id(key)
            .one(tx.db())
            .await?
            .is_none()
        {
            let row = user_group::ActiveModel {
                user_id: Set(user.id),
                name: Set(group.to_owned()),
            };
            let insert = user_group::Entity::insert(row);
            insert.exec_without_returning(tx.db()).await?;
            joined = Joined::Now;
        }
    }
    if is_team {
        let key = (member.to_owned(), group.to_owned());
        let known = shared_group_group::Entity::find_by_id(key).one(tx.db());
        if known.await?.is_none() {
            let row = shared_group_group::ActiveModel {
                shared_group: Set(member.to_owned()),
                name: Set(group.to_owned()),
            };
            let insert = shared_group_group::Entity::insert(row);
            insert.exec_without_returning(tx.db()).await?;
            joined = Joined::Now;
        }
    }
    tx.wake(Event::Quotas);
    Ok(joined)
}
