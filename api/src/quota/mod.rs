//! Quotas, in the words of the schema.

mod input;
mod mutation;
mod object;
mod query;
mod simulate;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use mutation::QuotaMutation;
pub(crate) use object::{NamedQuota, Quota, QuotaChange, QuotaUsage};
pub(crate) use query::{
    QuotaChangeConnection, QuotaChangeEdge, QuotaConnection, QuotaEdge, QuotaQuery,
    ResourceQuotaConnection, ResourceQuotaEdge,
};
pub(crate) use simulate::SimulationQuery;
pub(crate) use subscription::QuotaSubscription;
