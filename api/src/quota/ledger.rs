//! What a user holds and may hold, of nodes as of everything else.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::quota::{self, Amount, Filter, Ledger, Resource};
use domain::user::User;

use super::QuotaUsage;
use crate::context::Access;
use crate::scalar::{Long, int};

/// What a user holds and may hold.
#[derive(Debug, SimpleObject)]
pub(crate) struct QuotaLedger {
    /// Name of the user.
    user: String,
    /// By node group and priority, as the field `quotas` of a user: at most 8 entries for each node group.
    quotas: Vec<QuotaUsage>,
    /// Everything but nodes of which something is granted or denied, by name: at most one entry for each resource.
    resources: Vec<ResourceAmount>,
    /// When a quota behind it stops to count, which may change it; absent if none does.
    valid_until: Option<DateTime<Utc>>,
}

impl QuotaLedger {
    pub(super) fn of(user: String, ledger: Ledger) -> Self {
        let amounts = ledger.amounts.into_iter();
        let mut resources: Vec<ResourceAmount> = amounts.map(Into::into).collect();
        resources.sort_by(|a, b| a.resource.cmp(&b.resource));
        Self {
            user,
            quotas: ledger.entries.into_iter().map(Into::into).collect(),
            resources,
            valid_until: ledger.valid_until,
        }
    }
}

/// How much of something a user may have.
#[derive(Debug, SimpleObject)]
pub(crate) struct ResourceAmount {
    /// Name of the resource.
    resource: String,
    /// How much; 0 if it is denied. Of `jupyter:…`: how many dev containers.
    amount: Long,
    /// Of `jupyter:…` only: memory of all dev containers together.
    memory_gib: Option<i32>,
    /// Of `jupyter:…` only: processors of each dev container.
    cpus: Option<i32>,
}

impl From<(Resource, Amount)> for ResourceAmount {
    fn from((resource, amount): (Resource, Amount)) -> Self {
        let resource = resource.to_string();
        match amount {
            Amount::Count(amount) => Self {
                resource,
                amount: Long(amount),
                memory_gib: None,
                cpus: None,
            },
            Amount::Dev(dev) => Self {
                resource,
                amount: Long(dev.count.into()),
                memory_gib: Some(int(dev.memory_gib)),
                cpus: Some(int(dev.cpus)),
            },
        }
    }
}

/// Questions about what somebody holds and may hold.
#[derive(Debug, Default)]
pub(crate) struct LedgerQuery;

#[Object]
impl LedgerQuery {
    /// What a user holds and may hold now: you, or somebody else for those who see the latter's `quotas`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn quota_ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the user; you if left out.")] user: Option<String>,
        #[graphql(
            desc = "Only of this node group; beside nodes there are only dev containers then."
        )]
        group: Option<String>,
    ) -> Result<QuotaLedger> {
        let app = ctx.app();
        let filter = Filter { owner: user, group };
        let (user, ledger): (User, Ledger) =
            quota::shown(app.reader(), app.now(), ctx.actor(), &filter).await?;
        Ok(QuotaLedger::of(user.name, ledger))
    }
}
