//! Looks acts up, the newest first.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use entity::{AuditId, audit};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

use super::Entry;
use crate::auth::{Action, Actor, Target, require};
use crate::error::Result;

/// Which acts; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this user, whether he held the token or it was done as him.
    pub user: Option<String>,
    /// Only these fields of the schema.
    pub actions: Option<Vec<String>>,
    /// Only those done to this, for example `task 7`.
    pub object: Option<String>,
    /// Only those with this outcome.
    pub outcome: Option<String>,
    /// Only those at this time or later.
    pub after: Option<DateTime<Utc>>,
    /// Only those before this time.
    pub before: Option<DateTime<Utc>>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// A page of the acts, older than one of them if that is given.
///
/// # Errors
/// [`Error::Forbidden`](crate::Error::Forbidden) for all but those who read the audit log.
pub async fn list(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: &Filter,
    older_than: Option<AuditId>,
    limit: u64,
) -> Result<Page> {
    require(actor, Action::ReadAudit, Target::Platform)?;
    let newest = |matching: Select<audit::Entity>| {
        let older = older_than.map(|id| audit::Column::Id.lt(id));
        matching
            .filter(Condition::all().add_option(older))
            .order_by_desc(audit::Column::Id)
            .limit(limit + 1)
            .all(db)
    };
    let mut entries = match &filter.user {
        None => newest(matching(filter)).await?,
        // Each of the two is in the order of an index. Both in one condition are not: PostgreSQL would read what everybody
        // did until it has found enough.
        Some(user) => {
            let by = |column: audit::Column| matching_but_user(filter).filter(column.eq(user));
            let mut found = newest(by(audit::Column::Actor)).await?;
            found.extend(newest(by(audit::Column::UserName)).await?);
            found.sort_by_key(|entry| Reverse(entry.id));
            found.dedup_by_key(|entry| entry.id);
            found
        }
    };
    let has_more = entries.len() as u64 > limit;
    entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Page { entries, has_more })
}

/// How many acts there are.
///
/// # Errors
/// As [`list`].
pub async fn count(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter) -> Result<u64> {
    require(actor, Action::ReadAudit, Target::Platform)?;
    Ok(matching(filter).count(db).await?)
}

fn matching(filter: &Filter) -> Select<audit::Entity> {
    let query = matching_but_user(filter);
    let Some(user) = &filter.user else {
        return query;
    };
    let of_user = audit::Column::Actor.eq(user);
    query.filter(of_user.or(audit::Column::UserName.eq(user)))
}

fn matching_but_user(filter: &Filter) -> Select<audit::Entity> {
    let mut query = audit::Entity::find();
    if let Some(actions) = &filter.actions {
        let actions = actions.iter().map(String::as_str);
        query = query.filter(audit::Column::Action.is_in(actions));
    }
    if let Some(object) = &filter.object {
        query = query.filter(audit::Column::Object.eq(object));
    }
    if let Some(outcome) = &filter.outcome {
        query = query.filter(audit::Column::Outcome.eq(outcome));
    }
    if let Some(time) = filter.after {
        query = query.filter(audit::Column::At.gte(time));
    }
    if let Some(time) = filter.before {
        query = query.filter(audit::Column::At.lt(time));
    }
    query
}
