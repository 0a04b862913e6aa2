//! The runs of a task, page by page.

use std::ops::RangeInclusive;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, Result, SimpleObject};
use domain::task::Task;

use super::Run;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::List;
use crate::loaders::RunsOf;

/// One page of a list of runs.
pub(crate) type RunConnection = Connection<String, Run, RunTotal>;
/// A run at its place in a list.
pub(crate) type RunEdge = Edge<String, Run, EmptyFields>;

/// The length of a list of runs.
#[derive(Debug, SimpleObject)]
pub(crate) struct RunTotal {
    /// How many runs there are in the whole list.
    total_count: i32,
}

/// One page of the runs of a task, the newest first.
pub(crate) async fn page(ctx: &Context<'_>, task: &Task, args: &PageArgs) -> Result<RunConnection> {
    let window = args.window(List::Runs, |key| key.parse().ok())?;
    let numbers = numbers(task.run_count, window.after, window.limit);
    let has_more = *numbers.start() > 1;
    let key = RunsOf {
        task_id: task.id,
        numbers,
    };
    let runs = ctx.loaders().load(key).await?.unwrap_or_default();
    let nodes = runs
        .into_iter()
        .map(|run| (List::Runs.cursor(run.number), Run::from(run)));
    let total = RunTotal {
        total_count: task.run_count,
    };
    Ok(window.connection(has_more, nodes, total))
}

/// Runs are numbered from 1 without holes, so a page is known before it is fetched: the `limit` largest numbers below
/// `after`.
fn numbers(count: i32, after: Option<i32>, limit: i32) -> RangeInclusive<i32> {
    let newest = after.map_or(count, |after| after.saturating_sub(1).clamp(0, count));
    let oldest = newest.saturating_sub(limit).saturating_add(1).max(1);
    oldest..=newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_runs_ends_before_its_cursor_and_at_the_first_run() {
        assert_eq!(numbers(7, None, 50), 1..=7);
        assert_eq!(numbers(7, None, 3), 5..=7);
        assert_eq!(numbers(7, Some(5), 3), 2..=4);
        assert_eq!(numbers(7, Some(2), 3), 1..=1);
        assert_eq!(numbers(7, Some(99), 3), 5..=7);
        for (count, after, limit) in [
            (0, None, 3),
            (7, Some(1), 3),
            (7, None, 0),
            (7, Some(i32::MIN), 3),
        ] {
            assert!(numbers(count, after, limit).is_empty());
        }
    }
}
