//! Questions about who did what.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use domain::Error;
use domain::audit::{self, AuditId};

use super::AuditEntry;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::List;
use crate::limits;

/// Most entries of a list in a filter.
const MOST_ENTRIES: usize = 100;

/// One page of the audit log.
pub(crate) type AuditConnection = Connection<String, AuditEntry, AuditTotal>;
/// An entry at its place in the audit log.
pub(crate) type AuditEdge = Edge<String, AuditEntry, EmptyFields>;

/// Which entries; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct AuditFilter {
    /// Only those of the user with this name, whether he held the token or it was done as him.
    user: Option<String>,
    /// Only these mutations, at most 100.
    actions: Option<Vec<String>>,
    /// Only what was done to this, for example `task 7`.
    object: Option<String>,
    /// Only with this outcome: `OK` or the code of an error.
    outcome: Option<String>,
    /// Only at this time or later.
    after: Option<DateTime<Utc>>,
    /// Only before this time.
    before: Option<DateTime<Utc>>,
}

/// Counts the acts, if somebody asks.
#[derive(Debug)]
pub(crate) struct AuditTotal {
    filter: audit::Filter,
}

#[Object]
impl AuditTotal {
    /// How many acts there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = audit::count(ctx.app().reader(), ctx.actor(), &self.filter).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// Questions about who did what.
#[derive(Debug, Default)]
pub(crate) struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Who did what, the newest first. Only for those who have the permission `READ_AUDIT`.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only entries that match.")] filter: Option<AuditFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only entries behind this cursor.")] after: Option<String>,
    ) -> Result<AuditConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let window = args.window(List::Audit, |key| key.parse().ok().map(AuditId))?;
        let filter = filter.unwrap_or_default();
        if filter
            .actions
            .as_ref()
            .is_some_and(|actions| actions.len() > MOST_ENTRIES)
        {
            let reason = format!("must have at most {MOST_ENTRIES} entries");
            return Err(Error::invalid("filter.actions", reason).into());
        }
        let filter = audit::Filter {
            user: filter.user,
            actions: filter.actions,
            object: filter.object,
            outcome: filter.outcome,
            after: filter.after,
            before: filter.before,
        };
        let limit = u64::try_from(window.limit).unwrap_or(0);
        let reader = ctx.app().reader();
        let page = audit::list(reader, ctx.actor(), &filter, window.after, limit).await?;
        let entries = page.entries.into_iter();
        let nodes = entries.map(|row| (List::Audit.cursor(row.id), AuditEntry(row)));
        Ok(window.connection(page.has_more, nodes, AuditTotal { filter }))
    }
}
