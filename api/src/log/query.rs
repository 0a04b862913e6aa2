//! Reads logs page by page.

use async_graphql::{Context, ID, Object, Result};
use domain::Error;

use super::object::TaskLogPage;
use super::reader::{MOST_ITEMS, Part, Reader, place};
use crate::limits;

/// Questions about logs.
#[derive(Debug, Default)]
pub(crate) struct LogQuery;

#[Object]
impl LogQuery {
    /// One page of what a rank of a task has printed, in all its runs.
    #[graphql(complexity = "limits::page(Some(first), None, child_complexity)")]
    async fn task_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
        #[graphql(desc = "The rank.", default = 0)] rank: i32,
        #[graphql(desc = "Only what is behind this cursor; from the beginning if left out.")]
        after: Option<String>,
        #[graphql(desc = "How many items: 1 to 1000.", default = 1000)] first: i32,
    ) -> Result<TaskLogPage> {
        let most = usize::try_from(first)
            .ok()
            .filter(|most| (1..=MOST_ITEMS).contains(most))
            .ok_or_else(|| {
                Error::invalid(
                    "first",
                    format!("must be between 1 and {MOST_ITEMS}, not {first}"),
                )
            })?;
        let part = Part {
            after: place(after.as_deref())?,
            most,
            partial: true,
        };
        let reader = Reader::open(ctx, &id, rank).await?;
        Ok(reader.page(part).await?.into())
    }
}
