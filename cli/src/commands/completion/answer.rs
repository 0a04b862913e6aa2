//! Completion of words in a shell: a small script that asks this program, which may ask the platform.

use std::time::Duration;

use cynic::QueryBuilder;

use super::{
    script::script,
    wanted::{Wanted, wanted},
};
use crate::{
    args::{CompletionArgs, ExperimentArgs, ExperimentKind},
    client::Client,
    commands::Context,
    error::{Error, Result},
    operations::{ListTasks, MyName, Offers, TaskPage, TaskState},
    select,
};

/// A user who presses a key does not wait longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// As many tasks are offered.
const N_TASKS: i32 = 100;

/// `completion`: prints the script.
pub(in crate::commands) fn print_script(
    context: &mut Context,
    args: &CompletionArgs,
) -> Result<u8> {
    context.screen.print(script(args.shell))?;
    Ok(0)
}

/// `__complete`: prints what the last word may become.
pub(in crate::commands) async fn complete(context: &mut Context, words: &[String]) -> Result<u8> {
    let current = words.last().map_or("", String::as_str);
    let candidates = match wanted(words) {
        Wanted::Words(words) => words,
        Wanted::Files => return Ok(0),
        wanted => tokio::time::timeout(PATIENCE, ask(context, wanted))
            .await
            .map_err(|_elapsed| {
                Error::Usage("the platform is too slow to complete words".into())
            })??,
    };
    let fitting = candidates
        .iter()
        .filter(|candidate| candidate.starts_with(current));
    let lines: String = fitting.map(|candidate| format!("{candidate}\n")).collect();
    context.screen.print(&lines)?;
    Ok(0)
}

async fn ask(context: &Context, wanted: Wanted) -> Result<Vec<String>> {
    let client = context.client()?;
    match wanted {
        Wanted::Words(words) => Ok(words),
        Wanted::Files => Ok(vec![]),
        Wanted::Tasks { only_live } => tasks(&client, only_live).await,
        Wanted::Ranks { experiment } => {
            let kind = ExperimentKind::Auto;
            let task = select::find(&client, &ExperimentArgs { experiment, kind }).await?;
            Ok((0..task.summary.node_count)
                .map(|rank| rank.to_string())
                .collect())
        }
        Wanted::Groups => Ok(client.ask(&Offers::build(())).await?.server_info.groups),
        Wanted::Environments => Ok(client
            .ask(&Offers::build(()))
            .await?
            .server_info
            .environments),
    }
}

async fn tasks(client: &Client, only_live: bool) -> Result<Vec<String>> {
    let user = client.ask(&MyName::build(())).await?.me.name;
    let page = ListTasks::build(TaskPage {
        user,
        first: N_TASKS,
        after: None,
    });
    let tasks = client.ask(&page).await?.tasks.nodes;
    let mut names: Vec<String> = tasks
        .into_iter()
        .filter(|task| !only_live || task.state != TaskState::Finished)
        .map(|task| task.name)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}
