//! The story that the demonstration tells: a user trains on two nodes, live.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::pin;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use serde::Deserialize;

use super::client::{Client, LogItem, Task};
use super::facts::Facts;
use crate::platform::Platform;

/// Name of the user who trains.
const USER: &str = "ada";
/// By how many bits per character the trained model must beat the unigram model on text it has not seen.
const IMPROVEMENT: f64 = 1.0;

/// What the training writes at its end.
#[derive(Debug, Deserialize)]
struct TrainingResult {
    world_size: u32,
    bpc: f64,
    unigram_bpc: f64,
    improvement: f64,
}

/// Tells the story and checks it.
pub(super) async fn tell(platform: &Platform, code: &Path) -> Result<Facts> {
    let token = platform
        .first_token
        .as_ref()
        .context("a new platform has a first token")?;
    let admin = Client::connect(&platform.url, token.reveal()).await?;
    let token = admin.create_user(USER).await?;
    let user = Client::connect(&platform.url, &token).await?;
    println!("The administrator has created the user {USER}; {USER} submits charlm on 2 nodes.\n");

    let out = platform.app.settings.workspaces.join(USER).join("charlm");
    let parameters = format!("--out {}", out.display());
    let task = user
        .submit(&code.display().to_string(), &parameters)
        .await?;
    let (last, followed) = watch(&user, &task.id).await?;

    let mut facts = Facts::default();
    let outcome = last.outcome.clone().unwrap_or_else(|| last.state.clone());
    facts.check("the training succeeded", &outcome, outcome == "SUCCEEDED");
    facts.check(
        "its exit code is that of the command",
        last.exit_code
            .map_or("none".to_owned(), |code| code.to_string()),
        last.exit_code == Some(0),
    );
    check_ranks(&mut facts, &last);
    let stored = lines(&user.log(&task.id, 0).await?);
    facts.check(
        "the log followed live is the log as stored",
        format!("{} and {} lines", followed.len(), stored.len()),
        !stored.is_empty() && followed == stored,
    );
    check_result(&mut facts, &out.join("result.json"))?;
    let groups = user.groups().await?;
    let free: i32 = groups.iter().map(|group| group.free).sum();
    let nodes: i32 = groups.iter().map(|group| group.nodes).sum();
    facts.check(
        "every node is free again",
        format!("{free} of {nodes}"),
        free == nodes,
    );
    let answer = may_create_users(&user).await;
    facts.check(
        "a user may not do what administrators may",
        &answer,
        answer == "FORBIDDEN",
    );
    Ok(facts)
}

/// Shows states and log lines as they come, until the task is finished. Answers its last state and the lines.
async fn watch(user: &Client, id: &str) -> Result<(Task, Vec<String>)> {
    let mut states = pin!(user.follow_task(id));
    let mut log = pin!(user.follow_log(id, 0));
    let mut last = None;
    let mut items = Vec::new();
    let (mut states_open, mut log_open) = (true, true);
    while states_open || log_open {
        tokio::select! {
            state = states.next(), if states_open => match state {
                Some(task) => show_change(&mut last, task?),
                None => states_open = false,
            },
            event = log.next(), if log_open => match event {
                Some(event) => for item in event?.items {
                    println!("  rank 0 | {}", item.text);
                    items.push(item);
                },
                None => log_open = false,
            },
        }
    }
    let last = last.context("the task was never seen")?;
    Ok((last, lines(&items)))
}

/// Says in one line what of a task has changed.
fn show_change(last: &mut Option<Task>, task: Task) {
    let line = describe(&task);
    if last.as_ref().map(describe).as_ref() != Some(&line) {
        println!("{line}");
    }
    *last = Some(task);
}

fn describe(task: &Task) -> String {
    let ranks: Vec<String> = task
        .current_run
        .iter()
        .flat_map(|run| &run.pods)
        .map(|pod| format!("{} on {}", pod.state.to_lowercase(), pod.node))
        .collect();
    let run = task
        .current_run
        .as_ref()
        .map_or("-", |run| run.state.as_str());
    match (&task.wait, &task.outcome) {
        (Some(wait), _) => format!("task {} {}: {}", task.id, task.state, wait.message),
        (None, Some(outcome)) => format!("task {} {} as {outcome}", task.id, task.state),
        (None, None) => {
            format!(
                "task {} {}, run {run}: {}",
                task.id,
                task.state,
                ranks.join(", ")
            )
        }
    }
}

/// Whole lines from items, of which a partial one goes on in the next.
fn lines(items: &[LogItem]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for item in items {
        if let Some(line) = lines.last_mut() {
            line.push_str(&item.text);
        }
        if !item.partial {
            lines.push(String::new());
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn check_ranks(facts: &mut Facts, task: &Task) {
    let pods = task.current_run.iter().flat_map(|run| &run.pods);
    let nodes: BTreeSet<&str> = pods.clone().map(|pod| pod.node.as_str()).collect();
    let succeeded = pods.clone().filter(|pod| pod.state == "SUCCEEDED").count();
    let ranks: BTreeSet<i32> = pods.map(|pod| pod.rank).collect();
    facts.check(
        "two ranks ran, each on a node of its own",
        format!(
            "{} ranks on {} nodes, {succeeded} succeeded",
            ranks.len(),
            nodes.len()
        ),
        ranks.len() == 2 && nodes.len() == 2 && succeeded == 2,
    );
}

fn check_result(facts: &mut Facts, path: &Path) -> Result<()> {
    let text = std::fs::read(path)
        .with_context(|| format!("the training left no result in {}", path.display()))?;
    let result: TrainingResult = serde_json::from_slice(&text).context("the result is damaged")?;
    facts.check(
        "the ranks trained one model together",
        format!("world size {}", result.world_size),
        result.world_size == 2,
    );
    facts.check(
        "it beats the unigram model by 1 bit or more",
        format!(
            "{:.2} against {:.2} bits per character, better by {:.2}",
            result.bpc, result.unigram_bpc, result.improvement
        ),
        result.improvement >= IMPROVEMENT,
    );
    Ok(())
}

/// What the platform answers a user who tries what only administrators may.
async fn may_create_users(user: &Client) -> String {
    match user.create_user("mallory").await {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error
            .downcast_ref::<transport::Error>()
            .and_then(transport::Error::code)
            .unwrap_or("unknown")
            .to_owned(),
    }
}
