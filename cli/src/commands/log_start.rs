//! Where in a log to begin: so many lines before its end, at a moment, or at a run.

use chrono::{DateTime, TimeDelta, Utc};
use cynic::QueryBuilder;

use crate::{
    args::LogsArgs,
    client::Client,
    error::{Error, Result},
    operations::{
        CountBack, DescribeTask, FindMoment, LogBefore, LogSince, RunPage, RunSummary, Task,
    },
};

/// Most items that the platform counts back at once.
const MOST_AT_ONCE: u32 = 1000;
/// Runs that are asked for at once.
const RUNS_PER_PAGE: i32 = 200;
/// So far the clock of a node may be behind the platform's.
const CLOCKS_DIFFER_BY: TimeDelta = TimeDelta::minutes(10);

/// The place in front of the first line that the arguments ask for; `None` is the beginning.
pub(super) async fn start(client: &Client, task: &Task, args: &LogsArgs) -> Result<Option<String>> {
    match (args.tail, args.since) {
        (Some(lines), _) => lines_before_the_end(client, task, args.rank, lines).await,
        (None, Some(when)) => at(client, task, args.rank, when.moment(now()))
            .await
            .map(Some),
        (None, None) => Ok(None),
    }
}

/// A place in front of everything that this run printed, and not far from it.
pub(super) async fn of_run(
    client: &Client,
    task: &Task,
    rank: i32,
    run: i32,
) -> Result<Option<String>> {
    let began = find_run(client, task, run).await?.facts.created_at;
    let moment = began - CLOCKS_DIFFER_BY;
    at(client, task, rank, moment).await.map(Some)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a user's `ago` becomes a moment"
)]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn at(client: &Client, task: &Task, rank: i32, at: DateTime<Utc>) -> Result<String> {
    let id = task.summary.id.clone();
    let at = Some(at);
    let question = FindMoment::build(LogSince { id, rank, at });
    Ok(client.ask(&question).await?.task_log.start_cursor)
}

/// Goes back from the end, page by page, and keeps nothing but the place.
async fn lines_before_the_end(
    client: &Client,
    task: &Task,
    rank: i32,
    mut lines: u32,
) -> Result<Option<String>> {
    let mut before = None;
    loop {
        let question = CountBack::build(LogBefore {
            id: task.summary.id.clone(),
            rank,
            before,
            last: i32::try_from(lines.clamp(1, MOST_AT_ONCE)).unwrap_or(i32::MAX),
        });
        let page = client.ask(&question).await?.task_log;
        if lines == 0 {
            return Ok(Some(page.cursor));
        }
        // A long line is several items, of which only the first has a time.
        let begun = page.items.iter().filter(|item| item.time.is_some()).count();
        lines = lines.saturating_sub(u32::try_from(begun).unwrap_or(u32::MAX));
        if !page.has_previous {
            return Ok(None);
        }
        if lines == 0 {
            return Ok(Some(page.start_cursor));
        }
        before = Some(page.start_cursor);
    }
}

async fn find_run(client: &Client, task: &Task, number: i32) -> Result<RunSummary> {
    let known = task
        .runs
        .nodes
        .iter()
        .find(|run| run.facts.number == number);
    if let Some(run) = known {
        return Ok(run.clone());
    }
    let mut after = None;
    loop {
        let question = DescribeTask::build(RunPage {
            id: task.summary.id.clone(),
            first: RUNS_PER_PAGE,
            after,
        });
        let found = client.ask(&question).await?.task;
        let runs = found
            .ok_or_else(|| Error::NoTask(task.summary.id.inner().to_owned()))?
            .runs;
        let mut nodes = runs.nodes.into_iter();
        if let Some(run) = nodes.find(|run| run.facts.number == number) {
            return Ok(run);
        }
        if !runs.page_info.has_next_page {
            return Err(Error::NoRun {
                task: task.summary.id.inner().to_owned(),
                run: number,
                last: task.summary.run_count,
            });
        }
        after = runs.page_info.end_cursor;
    }
}
