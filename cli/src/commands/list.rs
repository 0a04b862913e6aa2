//! `list`: pages of the user's tasks, the newest first.

use cynic::QueryBuilder;
use serde_json::json;

use super::Context;
use crate::{
    args::ListArgs,
    client::Client,
    error::Result,
    operations::{ListTasks, MyName, SkipTasks, TaskPage, TaskSummary},
    output,
};

/// Most tasks that are asked for at once.
const MOST_AT_ONCE: u64 = 100;

pub(super) async fn run(context: &mut Context, args: &ListArgs) -> Result<u8> {
    let client = context.client()?;
    let user = client.ask(&MyName::build(())).await?.me.name;
    let n_skipped = u64::from(args.page - 1) * u64::from(args.page_size);
    let (tasks, total) = page(&client, user, n_skipped, args.page_size).await?;
    let text = match context.json {
        true => output::json(&json!({
            "page": args.page,
            "pageSize": args.page_size,
            "total": total,
            "tasks": tasks,
        })),
        false => {
            let shown: Vec<&TaskSummary> = tasks.iter().collect();
            heading(args, total) + &output::task_table(&shown, context.screen.look())
        }
    };
    context.screen.print(&text)?;
    Ok(0)
}

/// The tasks behind the first `n_skipped`, and how many there are in all.
async fn page(
    client: &Client,
    user: String,
    mut n_skipped: u64,
    size: u32,
) -> Result<(Vec<TaskSummary>, i32)> {
    let limit = |count: u64| i32::try_from(count.min(MOST_AT_ONCE)).unwrap_or(i32::MAX);
    let mut after = None;
    while n_skipped > 0 {
        let first = limit(n_skipped);
        let skipped = SkipTasks::build(TaskPage {
            user: user.clone(),
            first,
            after,
        });
        let skipped = client.ask(&skipped).await?.tasks;
        if !skipped.page_info.has_next_page {
            return Ok((vec![], skipped.total_count));
        }
        after = skipped.page_info.end_cursor;
        n_skipped = n_skipped.saturating_sub(MOST_AT_ONCE);
    }
    let first = limit(u64::from(size));
    let tasks = client
        .ask(&ListTasks::build(TaskPage { user, first, after }))
        .await?
        .tasks;
    Ok((tasks.nodes, tasks.total_count))
}

fn heading(args: &ListArgs, total: i32) -> String {
    let size = args.page_size;
    let n_pages = u32::try_from(total).unwrap_or(0).div_ceil(size).max(1);
    let page = args.page;
    format!("page {page} of {n_pages}, {size} per page, {total} tasks\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heading_counts_pages() {
        let args = |page| ListArgs {
            page,
            page_size: 12,
        };
        assert_eq!(heading(&args(1), 0), "page 1 of 1, 12 per page, 0 tasks\n");
        assert_eq!(
            heading(&args(2), 24),
            "page 2 of 2, 12 per page, 24 tasks\n"
        );
        assert_eq!(
            heading(&args(1), 25),
            "page 1 of 3, 12 per page, 25 tasks\n"
        );
    }
}
