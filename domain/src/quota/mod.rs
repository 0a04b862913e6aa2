//! Quotas: how many nodes a user may hold in a node group at a priority, and how much of everything else.

mod adopt;
mod changes;
mod combine;
mod jupyter;
mod list;
mod named;
mod own;
mod owner;
mod remove;
mod resource;
mod resource_error;
mod rights;
mod rows;
mod set;
mod shown;
mod simulate;
mod usage;

#[cfg(test)]
mod resource_tests;
#[cfg(test)]
mod tests;

pub use changes::{ChangeFilter, changes};
pub use combine::Amount;
pub use entity::quota::{Kind, Model as Quota};
pub use entity::quota_change::Model as QuotaChange;
pub use entity::resource_quota::Model as ResourceQuota;
pub use entity::{QuotaChangeId, QuotaId, ResourceQuotaId};
pub use jupyter::{DevContainers, PackedError};
pub use list::{Filter, Page, may_read, nodes, resources};
pub use named::{NamedQuota, SetNamed, set_named};
pub use own::{SetOwnQuota, set_own};
pub use remove::remove;
pub use resource::{NodesOf, Resource, ServicePort};
pub use resource_error::ResourceError;
pub use set::{SetQuota, set};
pub use shown::shown;
pub use simulate::{GivesWay, Simulation, Start, WaitChange, simulate};
pub use usage::{Ledger, QuotaUsage, ledger, ledgers};

pub(crate) use adopt::{Adopted, adopt};
pub(crate) use owner::is_known_owner;
pub(crate) use rights::rights_of;
pub(crate) use rows::{load_rows, planner_users};
pub(crate) use set::insert;
