//! Gives one order to each of several tasks, and says of each what became of it.

use serde_json::json;

use super::Order;
use crate::{
    args::{ExperimentArgs, ExperimentsArgs},
    client::Client,
    commands::Context,
    error::{Error, Result},
    operations::{Task, TaskSummary},
    output, select,
};

/// Gives the order to each task in turn. One that fails does not keep it from the others; the exit code is the highest.
pub(in crate::commands) async fn run(
    context: &mut Context,
    args: &ExperimentsArgs,
    order: Order,
) -> Result<u8> {
    let client = context.client()?;
    let mut experiments = args.each();
    let n_tasks = args.experiments.len();
    if let (1, Some(experiment)) = (n_tasks, args.each().next()) {
        let (before, after) = give(&client, &experiment, order).await?;
        let text = match context.json {
            true => output::json(&after),
            false => order.told(&before, &after.summary),
        };
        context.screen.print(&text)?;
        return Ok(0);
    }
    let (mut worst, mut n_done) = (0, 0);
    while let Some(named) = experiments.next() {
        let experiment = named.experiment.as_str();
        let progress = context.screen.progress();
        progress.say(format!("{n_done} of {n_tasks} done, now {experiment}"));
        let given = give(&client, &named, order).await;
        n_done += 1;
        let failure = given.as_ref().err().map(Error::exit);
        let is_pointless = given.as_ref().err().is_some_and(Error::is_about_all);
        report(context, experiment, order, given)?;
        worst = worst.max(failure.unwrap_or(0));
        if is_pointless {
            for ExperimentArgs { experiment, .. } in experiments.by_ref() {
                let program = &context.program;
                let line = format!("{program}: `{experiment}` was not tried");
                context.screen.note(&line);
            }
        }
    }
    Ok(worst)
}

/// The task before and after the order.
async fn give(client: &Client, args: &ExperimentArgs, order: Order) -> Result<(TaskSummary, Task)> {
    let before = select::find(client, args).await?.summary;
    let after = order.give(client, before.id.clone()).await?;
    Ok((before, after))
}

fn report(
    context: &mut Context,
    experiment: &str,
    order: Order,
    given: Result<(TaskSummary, Task)>,
) -> Result<()> {
    let (task, error) = match given {
        Ok((before, after)) => {
            if !context.json {
                let told = order.told(&before, &after.summary);
                return context.screen.print(&told);
            }
            (Some(after), None)
        }
        Err(error) => {
            let line = error.line(&context.program);
            context.screen.note(&line);
            if !context.json {
                return Ok(());
            }
            (
                None,
                Some(json!({ "exit": error.exit(), "message": error.told() })),
            )
        }
    };
    let line = json!({ "experiment": experiment, "task": task, "error": error });
    context.screen.print(&output::json_line(&line))
}
