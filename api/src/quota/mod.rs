//! Quotas, in the words of the schema.

mod input;
mod ledger;
mod mutation;
mod object;
mod query;
mod simulate;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use ledger::{LedgerQuery, QuotaLedger};
pub(crate) use mutation::QuotaMutation;
pub(crate) use object::{NamedQuota, Quota, QuotaChange, QuotaUsage};
pub(crate) use query::{
    QuotaChangeConnection, QuotaChangeEdge, QuotaConnection, QuotaEdge, QuotaQuery,
    ResourceQuotaConnection, ResourceQuotaEdge,
};
pub(crate) use simulate::SimulationQuery;
pub(crate) use subscription::QuotaSubscription;
