//! `logs`: the log of a rank, as far as it is written or to the end of the task.

use cynic::QueryBuilder;

use super::{
    Context,
    log_start::{of_run, start},
};
use crate::{
    args::LogsArgs,
    client::Client,
    error::Result,
    follow::{Follow, follow},
    operations::{LogPageOf, ReadLog},
    output::{self, LogPrinter},
    select,
};

pub(super) async fn run(context: &mut Context, args: &LogsArgs) -> Result<u8> {
    let client = context.client()?;
    let task = select::find(&client, &args.experiment).await?;
    let after = match args.run {
        Some(run) => of_run(&client, &task, args.rank, run).await?,
        None => start(&client, &task, args).await?,
    };
    if !context.json {
        // Beside the log, so that a pipe gets the log alone.
        let status = output::task_detail(&task, context.screen.note_look());
        context.screen.note_text(&status);
    }
    let id = task.summary.id.inner();
    let (rank, stamps) = (args.rank, !args.no_stamp);
    match args.follow {
        true => {
            let what = Follow {
                id,
                rank,
                after,
                stamps,
            };
            follow(context, &client, what).await
        }
        false => print_all(context, &client, id, args, after).await,
    }
}

async fn print_all(
    context: &mut Context,
    client: &Client,
    id: &str,
    args: &LogsArgs,
    mut after: Option<String>,
) -> Result<u8> {
    let width = context.screen.look().width;
    if width.is_some() {
        // The log itself is the sign of life, and its last line may be open.
        context.screen.progress().stop();
    }
    let mut printer = LogPrinter::new(width, !args.no_stamp);
    let mut n_items = 0;
    loop {
        let question = ReadLog::build(LogPageOf {
            id: cynic::Id::new(id),
            rank: args.rank,
            after,
        });
        let mut page = client.ask(&question).await?.task_log;
        n_items += page.items.len();
        let is_behind = args.run.is_some_and(|run| {
            let last = page.items.last();
            last.is_some_and(|item| item.run > run)
        });
        page.items
            .retain(|item| args.run.is_none_or(|run| item.run == run));
        context.print_items(&mut printer, &page.items)?;
        if !page.has_next || is_behind {
            context.screen.print(&printer.end())?;
            return Ok(0);
        }
        let progress = context.screen.progress();
        progress.say(format!("reading the log of task {id}: {n_items} lines"));
        after = Some(page.cursor);
    }
}
