//! Reads logs page by page.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};

use super::object::TaskLogPage;
use super::reader::{Part, Reader};
use super::window::{Origin, WindowArgs};
use crate::limits;

/// Questions about logs.
#[derive(Debug, Default)]
pub(crate) struct LogQuery;

#[Object]
impl LogQuery {
    /// One page of what a rank of a task has printed, in all its runs: from the beginning, from the end with `last`, or
    /// from a place on in either direction.
    #[graphql(
        complexity = "limits::page(first.or(last).or(Some(limits::MOST_PER_PAGE)), None, child_complexity)"
    )]
    #[expect(clippy::too_many_arguments, reason = "GraphQL has no other form")]
    async fn task_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
        #[graphql(desc = "The rank.", default = 0)] rank: i32,
        #[graphql(desc = "Only what is behind this cursor; from the beginning if left out.")]
        after: Option<String>,
        #[graphql(desc = "How many items, from the beginning: 1 to 1000, 1000 if left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only what is before this cursor, counted from there.")] before: Option<
            String,
        >,
        #[graphql(desc = "How many items, from the end: 1 to 1000.")] last: Option<i32>,
        #[graphql(
            desc = "From the first line on that was printed at this moment or later; with \
                          `last`, what was printed before."
        )]
        at: Option<DateTime<Utc>>,
    ) -> Result<TaskLogPage> {
        let args = WindowArgs {
            after,
            first,
            before,
            last,
            at,
        };
        let window = args.window()?;
        let reader = Reader::open(ctx, &id, rank).await?;
        let cursor = match window.origin {
            Origin::Cursor(cursor) => cursor,
            Origin::Moment(moment) => Some(reader.place_of(moment).await?),
        };
        let page = if window.backwards {
            reader.page_before(cursor, window.most).await?
        } else {
            let part = Part {
                after: cursor,
                most: window.most,
                partial: true,
            };
            reader.page(part).await?
        };
        Ok(page.into())
    }
}
