//! Changes the rules.

use async_graphql::{Context, Object, Result};
use domain::mount::{self, Definition};

use super::input::{AddMountRuleInput, RemoveMountRuleInput};
use super::object::MountRuleChange;
use crate::audit;
use crate::context::Access;

/// Changes of the rules for mounts.
#[derive(Debug, Default)]
pub(crate) struct MountMutation;

#[Object]
impl MountMutation {
    /// Gives an owner a mount, or undoes the rule that takes just that from him. Only for administrators of mounts.
    async fn add_mount_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The mount.")] input: AddMountRuleInput,
    ) -> Result<MountRuleChange> {
        let force = input.force;
        change(ctx, input.into(), force).await
    }

    /// Takes a mount from an owner, or undoes the rule that gives him just that. Only for administrators of mounts.
    async fn remove_mount_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The mount.")] input: RemoveMountRuleInput,
    ) -> Result<MountRuleChange> {
        let force = input.force;
        change(ctx, input.into(), force).await
    }
}

async fn change(ctx: &Context<'_>, rule: Definition, force: bool) -> Result<MountRuleChange> {
    let mut write = audit::begin(ctx, format!("mount {}", rule.mount_path)).await?;
    write.tells(format!("{} for {}", rule.host_path, rule.owners.join(", ")));
    let outcome = mount::change(write.tx(), ctx.app(), ctx.actor(), rule, force).await;
    Ok(write.end(outcome).await?.into())
}
