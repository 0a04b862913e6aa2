//! Questions about quotas.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::quota::{self, QuotaChangeId, QuotaId, ResourceQuotaId};

use super::{NamedQuota, Quota, QuotaChange};
use crate::connection::{PageArgs, Window};
use crate::context::Access;
use crate::id::List;
use crate::limits;

/// One page of a list of quotas of nodes.
pub(crate) type QuotaConnection = Connection<String, Quota, QuotaTotal>;
/// A quota of nodes at its place in a list.
pub(crate) type QuotaEdge = Edge<String, Quota, EmptyFields>;
/// One page of a list of other quotas.
pub(crate) type ResourceQuotaConnection = Connection<String, NamedQuota, QuotaTotal>;
/// A quota at its place in a list.
pub(crate) type ResourceQuotaEdge = Edge<String, NamedQuota, EmptyFields>;
/// One page of the changes of quotas.
pub(crate) type QuotaChangeConnection = Connection<String, QuotaChange, QuotaTotal>;
/// A change at its place in the list.
pub(crate) type QuotaChangeEdge = Edge<String, QuotaChange, EmptyFields>;

/// How long a list is.
#[derive(Debug, SimpleObject)]
pub(crate) struct QuotaTotal {
    /// How many entries there are in the whole list.
    total_count: i32,
}

impl QuotaTotal {
    fn of(total: u64) -> Self {
        Self {
            total_count: i32::try_from(total).unwrap_or(i32::MAX),
        }
    }
}

/// Which quotas; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct QuotaFilter {
    /// Only those of this user or user group.
    owner: Option<String>,
    /// Only those for this node group.
    group: Option<String>,
}

impl From<QuotaFilter> for quota::Filter {
    fn from(filter: QuotaFilter) -> Self {
        Self {
            owner: filter.owner,
            group: filter.group,
        }
    }
}

/// Which changes; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct QuotaChangeFilter {
    /// Only of the quotas of this user or user group.
    owner: Option<String>,
    /// Only by this user.
    editor: Option<String>,
    /// Only of the resource with this name.
    resource: Option<String>,
    /// Only at this time or later.
    after: Option<DateTime<Utc>>,
    /// Only before this time.
    before: Option<DateTime<Utc>>,
}

/// Questions about quotas.
#[derive(Debug, Default)]
pub(crate) struct QuotaQuery;

#[Object]
impl QuotaQuery {
    /// The quotas of nodes as they were set, also those that count no more, the oldest first: everybody's for
    /// administrators of quotas, those of guests for those who administer these, and your own.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn quotas(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only quotas that match.")] filter: Option<QuotaFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only quotas behind this cursor.")] after: Option<String>,
    ) -> Result<QuotaConnection> {
        let (window, limit) = window(List::Quotas, first, after)?;
        let (filter, behind) = (filter.unwrap_or_default().into(), window.after);
        let db = ctx.app().reader();
        let page = quota::nodes(db, ctx.actor(), &filter, behind.map(QuotaId), limit).await?;
        let total = QuotaTotal::of(page.total);
        let rows = page.rows.into_iter();
        let nodes = rows.map(|row| Ok((List::Quotas.cursor(row.id), Quota::of(row)?)));
        let nodes: Vec<_> = nodes.collect::<domain::Result<_>>()?;
        Ok(window.connection(page.has_more, nodes, total))
    }

    /// The quotas of everything but nodes as they were set, also those that count no more, the oldest first: for whom as
    /// with `quotas`.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn resource_quotas(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only quotas that match; of those for a node group there are only dev containers."
        )]
        filter: Option<QuotaFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only quotas behind this cursor.")] after: Option<String>,
    ) -> Result<ResourceQuotaConnection> {
        let (window, limit) = window(List::ResourceQuotas, first, after)?;
        let (filter, behind) = (filter.unwrap_or_default().into(), window.after);
        let db = ctx.app().reader();
        let behind = behind.map(ResourceQuotaId);
        let page = quota::resources(db, ctx.actor(), &filter, behind, limit).await?;
        let total = QuotaTotal::of(page.total);
        let rows = page.rows.into_iter();
        let nodes = rows.map(|row| {
            let cursor = List::ResourceQuotas.cursor(row.id);
            (cursor, quota::NamedQuota::from(row).into())
        });
        Ok(window.connection(page.has_more, nodes, total))
    }

    /// Who changed which quota, the newest first: for whom as with `quotas`.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn quota_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only changes that match.")] filter: Option<QuotaChangeFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only changes behind this cursor.")] after: Option<String>,
    ) -> Result<QuotaChangeConnection> {
        let (window, limit) = window(List::QuotaChanges, first, after)?;
        let filter = filter.unwrap_or_default();
        let filter = quota::ChangeFilter {
            owner: filter.owner,
            editor: filter.editor,
            resource: filter.resource,
            after: filter.after,
            before: filter.before,
        };
        let older = window.after.map(QuotaChangeId);
        let db = ctx.app().reader();
        let page = quota::changes(db, ctx.actor(), filter, older, limit).await?;
        let total = QuotaTotal::of(page.total);
        let rows = page.rows.into_iter();
        let nodes = rows.map(|row| (List::QuotaChanges.cursor(row.id), QuotaChange::from(row)));
        Ok(window.connection(page.has_more, nodes, total))
    }
}

fn window(
    list: List,
    first: Option<i32>,
    after: Option<String>,
) -> domain::Result<(Window<i64>, u64)> {
    let args = PageArgs {
        first,
        after,
        ..PageArgs::default()
    };
    let window = args.window(list, |key| key.parse().ok())?;
    let limit = u64::try_from(window.limit).unwrap_or(0);
    Ok((window, limit))
}
