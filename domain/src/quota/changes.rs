//! Who changed which quota.

use chrono::{DateTime, Utc};
use entity::QuotaChangeId;
use entity::quota_change::{self, Column};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, NotSet, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::list::{Page, Sight};
use super::{QuotaChange, Resource};
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::store::Tx;

/// A change to be noted.
pub(super) struct Change {
    pub(super) owner: String,
    pub(super) resource: Resource,
    pub(super) before: Option<i64>,
    pub(super) after: Option<i64>,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// Notes a change beside it.
pub(super) async fn note(tx: &Tx, actor: &Actor, change: Change) -> Result<()> {
    let editor = actor
        .user()
        .ok_or_else(|| Error::Forbidden("this is for users only".to_owned()))?;
    note_by(tx, &editor.holder, change).await
}

/// Notes a change by somebody who has not signed in.
pub(super) async fn note_by(tx: &Tx, editor: &str, change: Change) -> Result<()> {
    let row = quota_change::ActiveModel {
        id: NotSet,
        at: Set(tx.now()),
        editor: Set(editor.to_owned()),
        owner: Set(change.owner),
        resource: Set(change.resource.to_string()),
        before: Set(change.before),
        after: Set(change.after),
        expires_at: Set(change.expires_at),
    };
    quota_change::Entity::insert(row)
        .exec_without_returning(tx.db())
        .await?;
    Ok(())
}

/// Which changes; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Only of the quotas of this user or user group.
    pub owner: Option<String>,
    /// Only by this user.
    pub editor: Option<String>,
    /// Only of the resource with this name.
    pub resource: Option<String>,
    /// Only at this time or later.
    pub after: Option<DateTime<Utc>>,
    /// Only before this time.
    pub before: Option<DateTime<Utc>>,
}

/// A page of the changes, the newest first, older than one of them if that is given.
///
/// # Errors
/// [`Error::Forbidden`] if the actor may not see the quotas of that owner.
pub async fn changes(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: ChangeFilter,
    older_than: Option<QuotaChangeId>,
    limit: u64,
) -> Result<Page<QuotaChange>> {
    let sight = Sight::of(db, actor, filter.owner.as_deref()).await?;
    let mut query = quota_change::Entity::find()
        .filter(sight.condition(Column::Owner))
        .order_by_desc(Column::Id);
    if let Some(editor) = filter.editor {
        query = query.filter(Column::Editor.eq(editor));
    }
    if let Some(resource) = filter.resource {
        query = query.filter(Column::Resource.eq(resource));
    }
    if let Some(time) = filter.after {
        query = query.filter(Column::At.gte(time));
    }
    if let Some(time) = filter.before {
        query = query.filter(Column::At.lt(time));
    }
    let total = query.clone().count(db).await?;
    if let Some(id) = older_than {
        query = query.filter(Column::Id.lt(id));
    }
    Ok(Page::cut(
        query.limit(limit + 1).all(db).await?,
        limit,
        total,
    ))
}
