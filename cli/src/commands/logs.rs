//! `logs`: the log of a rank, as far as it is written or to the end of the task.

use cynic::QueryBuilder;

use super::Context;
use crate::{
    args::LogsArgs,
    client::Client,
    error::Result,
    follow::follow,
    operations::{LogPageOf, ReadLog},
    output::{self, LogPrinter},
    select,
};

pub(super) async fn run(context: &mut Context, args: &LogsArgs) -> Result<u8> {
    let client = context.client()?;
    let task = select::find(&client, &args.experiment).await?;
    let id = task.summary.id.inner();
    if !context.json {
        // Beside the log, so that a pipe gets the log alone.
        let status = output::task_detail(&task, context.screen.note_look());
        context.screen.note_text(&status);
    }
    match args.follow {
        true => follow(context, &client, id, args.rank).await,
        false => print_all(context, &client, id, args.rank).await,
    }
}

async fn print_all(context: &mut Context, client: &Client, id: &str, rank: i32) -> Result<u8> {
    let mut printer = LogPrinter::new(context.screen.look().width);
    let mut after = None;
    loop {
        let page = client
            .ask(&ReadLog::build(LogPageOf {
                id: cynic::Id::new(id),
                rank,
                after,
            }))
            .await?
            .task_log;
        context.print_items(&mut printer, &page.items)?;
        if !page.has_next {
            context.screen.print(&printer.end())?;
            return Ok(0);
        }
        after = Some(page.cursor);
    }
}
