//! Questions about mounts.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::mount::{self, MountRuleId};
use domain::user::Role;

use super::input::MountConflictsInput;
use super::object::{MountAdvice, MountRule};
use super::preview::MountPreview;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::{List, task_id};
use crate::limits;
use crate::scalar::int;

/// One page of a list of rules.
pub(crate) type MountRuleConnection = Connection<String, MountRule, MountRuleTotal>;
/// A rule at its place in a list.
pub(crate) type MountRuleEdge = Edge<String, MountRule, EmptyFields>;

/// Which rules; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct MountRuleFilter {
    /// Only those with this user or user group among their owners.
    owner: Option<String>,
    /// Only those with exactly this mount path.
    mount_path: Option<String>,
}

impl From<MountRuleFilter> for mount::Filter {
    fn from(filter: MountRuleFilter) -> Self {
        Self {
            owner: filter.owner,
            mount_path: filter.mount_path,
        }
    }
}

/// Counts a list of rules, if somebody asks.
#[derive(Debug)]
pub(crate) struct MountRuleTotal {
    filter: mount::Filter,
}

#[Object]
impl MountRuleTotal {
    /// How many rules there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = mount::count(ctx.app().reader(), ctx.actor(), self.filter.clone());
        Ok(int(count.await?))
    }
}

/// Questions about mounts.
#[derive(Debug, Default)]
pub(crate) struct MountQuery;

#[Object]
impl MountQuery {
    /// What you mount without a task, and why.
    #[graphql(complexity = "limits::SOME + child_complexity")]
    async fn my_mounts(&self, ctx: &Context<'_>) -> Result<MountPreview> {
        let user = ctx.user()?;
        let preview = mount::of_user(ctx.app(), ctx.actor(), &user.name).await?;
        Ok(MountPreview::shown(preview, user.role == Role::Internal))
    }

    /// What a user mounts without a task, and why. Only for the user and for those who inspect.
    #[graphql(complexity = "limits::SOME + child_complexity")]
    async fn user_mounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the user.")] name: String,
    ) -> Result<MountPreview> {
        let viewer = ctx.user()?;
        let preview = mount::of_user(ctx.app(), ctx.actor(), &name).await?;
        Ok(MountPreview::shown(preview, viewer.role == Role::Internal))
    }

    /// What a task mounts by the rules as they are now, and why. Only for its owner and for those who inspect.
    #[graphql(complexity = "limits::SOME + child_complexity")]
    async fn task_mounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the task.")] id: ID,
    ) -> Result<MountPreview> {
        let viewer = ctx.user()?;
        let preview = mount::of_task(ctx.app(), ctx.actor(), task_id(&id)?).await?;
        Ok(MountPreview::shown(preview, viewer.role == Role::Internal))
    }

    /// The rules, also those that do not count, the oldest first. Only for administrators of mounts.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn mount_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only rules that match.")] filter: Option<MountRuleFilter>,
        #[graphql(desc = "How many: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only rules behind this cursor.")] after: Option<String>,
    ) -> Result<MountRuleConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let window = args.window(List::MountRules, |key| key.parse().ok().map(MountRuleId))?;
        let filter = mount::Filter::from(filter.unwrap_or_default());
        let limit = usize::try_from(window.limit).unwrap_or(0);
        let (db, actor) = (ctx.app().reader(), ctx.actor());
        // One more tells whether there is more.
        let asked = limit as u64 + 1;
        let mut found = mount::list(db, actor, filter.clone(), window.after, asked).await?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let rules = found
            .into_iter()
            .map(|row| (List::MountRules.cursor(row.id), MountRule::from(row)));
        Ok(window.connection(has_more, rules, MountRuleTotal { filter }))
    }

    /// What a change of the rules would come to; nothing is changed. Only for administrators of mounts.
    #[graphql(complexity = "limits::SOME + child_complexity")]
    async fn mount_conflicts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: MountConflictsInput,
    ) -> Result<MountAdvice> {
        let app = ctx.app();
        let advice = mount::advise(app.reader(), app, ctx.actor(), input.into()).await?;
        Ok(advice.into())
    }
}
