//! Sets quotas.

use async_graphql::{Context, Object, Result};
use domain::quota;

use super::input::{
    RemoveQuotaInput, SetMyQuotaInput, SetQuotaInput, SetResourceQuotaInput, resource,
};
use super::{NamedQuota, Quota};
use crate::audit;
use crate::context::Access;

/// Changes of quotas.
#[derive(Debug, Default)]
pub(crate) struct QuotaMutation;

#[Object]
impl QuotaMutation {
    /// Sets the quota or the ceiling of an owner in a node group at a priority, whether there was one or not. Only for
    /// administrators of quotas, or of the quotas of guests.
    async fn set_quota(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quota.")] input: SetQuotaInput,
    ) -> Result<Quota> {
        let input = input.read()?;
        let mut change = audit::begin(ctx, format!("quota of {}", input.owner)).await?;
        change.tells(format!(
            "{:?} {} nodes of {} at {:?}",
            input.kind, input.nodes, input.group, input.level
        ));
        let done = quota::set(change.tx(), ctx.actor(), input).await;
        Ok(Quota::of(change.end(done).await?)?)
    }

    /// Sets your own quota in a node group at a priority. Only for members of the organisation: up to the ceiling; where
    /// there is none, no higher than it is.
    async fn set_my_quota(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quota.")] input: SetMyQuotaInput,
    ) -> Result<Quota> {
        let input = input.read()?;
        let mut change = audit::begin(ctx, format!("quota of {}", ctx.user()?.name)).await?;
        change.tells(format!(
            "{} nodes of {} at {:?}",
            input.nodes, input.group, input.level
        ));
        let done = quota::set_own(change.tx(), ctx.actor(), input).await;
        Ok(Quota::of(change.end(done).await?)?)
    }

    /// Sets the quota of an owner of anything, by the name of the resource. Only for administrators of quotas, or of the
    /// quotas of guests.
    async fn set_resource_quota(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quota.")] input: SetResourceQuotaInput,
    ) -> Result<NamedQuota> {
        let input = input.read()?;
        let mut change = audit::begin(ctx, format!("quota of {}", input.owner)).await?;
        change.tells(format!("{} {}", input.resource, input.amount));
        let done = quota::set_named(change.tx(), ctx.actor(), input).await;
        Ok(change.end(done).await?.into())
    }

    /// Removes the quota of an owner, and gives what it was: then those of the owner's groups count. Only for
    /// administrators of quotas, or of the quotas of guests.
    async fn remove_quota(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quota.")] input: RemoveQuotaInput,
    ) -> Result<NamedQuota> {
        let (owner, resource) = (input.owner, resource(&input.resource)?);
        let mut change = audit::begin(ctx, format!("quota of {owner}")).await?;
        change.tells(resource.to_string());
        let done = quota::remove(change.tx(), ctx.actor(), &owner, resource).await;
        Ok(change.end(done).await?.into())
    }
}
