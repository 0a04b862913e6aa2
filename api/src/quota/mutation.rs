//! Sets quotas.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::Error;
use domain::quota::{self, SetQuota};

use crate::audit;
use crate::context::Access;
use crate::task::Priority;

/// A quota to be set.
#[derive(Debug, InputObject)]
pub(crate) struct SetQuotaInput {
    /// Name of a user or of a user group; every member of a group may hold that much. `public` is everybody.
    owner: String,
    /// Node group.
    group: String,
    /// Priority; not `AUTO`.
    priority: Priority,
    /// Nodes that may be held at the same time; 0 denies.
    nodes: i32,
    /// When it stops to count; never if left out.
    expires_at: Option<DateTime<Utc>>,
}

/// How many nodes a user, or each member of a user group, may hold in a node group at a priority.
#[derive(Debug, SimpleObject)]
pub(crate) struct Quota {
    /// Name of the user or of the user group.
    owner: String,
    /// Node group.
    group: String,
    /// Priority.
    priority: Priority,
    /// Nodes that may be held at the same time.
    nodes: i32,
    /// When it stops to count; never if absent.
    expires_at: Option<DateTime<Utc>>,
}

/// Changes of quotas.
#[derive(Debug, Default)]
pub(crate) struct QuotaMutation;

#[Object]
impl QuotaMutation {
    /// Sets the quota of an owner in a node group at a priority, whether there was one or not. Only for administrators of
    /// quotas.
    async fn set_quota(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quota.")] input: SetQuotaInput,
    ) -> Result<Quota> {
        let no_level =
            || Error::invalid("priority", "must be a level: AUTO has no quota of its own");
        let input = SetQuota {
            owner: input.owner,
            kind: quota::Kind::Grant,
            tag: String::new(),
            group: input.group,
            level: input.priority.level().ok_or_else(no_level)?,
            nodes: input.nodes,
            expires_at: input.expires_at,
        };
        let mut change = audit::begin(ctx, format!("quota of {}", input.owner)).await?;
        change.tells(format!(
            "{} nodes of {} at {:?}",
            input.nodes, input.group, input.level
        ));
        let done = quota::set(change.tx(), ctx.actor(), input).await;
        let row = change.end(done).await?;
        Ok(Quota {
            priority: Priority::from_value(row.level)?,
            owner: row.owner,
            group: row.group_name,
            nodes: row.nodes,
            expires_at: row.expires_at,
        })
    }
}
