//! `describe`: everything about a task, in the form of a file that `run` accepts again.

use cynic::QueryBuilder;
use serde_json::{Value, json};

use super::Context;
use crate::{
    args::DescribeArgs,
    client::Client,
    error::{Error, Result},
    operations::{DescribeTask, RunPage, RunSummary},
    output, select, submission,
};

/// Runs that are asked for at once.
const RUNS_PER_PAGE: i32 = 200;

pub(super) async fn run(context: &mut Context, args: &DescribeArgs) -> Result<u8> {
    let client = context.client()?;
    let task = select::find(&client, &args.experiment).await?;
    let (document, runs) = document_and_runs(&client, &task.summary.id).await?;
    let text = match context.json {
        true => output::json(&json!({ "task": task, "runs": runs, "schema": document })),
        false => {
            let facts = output::description(&task, &runs, &context.program);
            facts + &submission::write(&document)?
        }
    };
    context.screen.print(&text)?;
    Ok(0)
}

/// What was submitted, and all runs, the newest first.
async fn document_and_runs(client: &Client, id: &cynic::Id) -> Result<(Value, Vec<RunSummary>)> {
    let mut runs = Vec::new();
    let mut after = None;
    loop {
        let page = DescribeTask::build(RunPage {
            id: id.clone(),
            first: RUNS_PER_PAGE,
            after,
        });
        let task = client.ask(&page).await?.task;
        let task = task.ok_or_else(|| Error::NoTask(id.inner().to_owned()))?;
        runs.extend(task.runs.nodes);
        if !task.runs.page_info.has_next_page {
            return Ok((task.schema.0, runs));
        }
        after = task.runs.page_info.end_cursor;
    }
}
