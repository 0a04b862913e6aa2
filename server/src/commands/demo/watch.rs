//! Follows one task live: its states and its log, until it is finished.

use std::pin::pin;
use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::StreamExt;

use super::client::{Client, LogItem, Task};

/// What was seen of a task.
#[derive(Debug)]
pub(super) struct Seen {
    /// The lines of rank 0.
    pub(super) lines: Vec<String>,
    /// When its run began to drain for the first time.
    pub(super) drained_at: Option<Instant>,
    /// When its first run had nodes.
    pub(super) started_at: Option<Instant>,
    /// When it told of its first step.
    pub(super) stepped_at: Option<Instant>,
}

/// Shows states and log lines as they come, until the task is finished. `on_line` hears each line.
pub(super) async fn watch(
    user: &Client,
    id: &str,
    name: &str,
    mut on_line: impl FnMut(&str),
) -> Result<Seen> {
    let mut states = pin!(user.follow_task(id));
    let mut log = pin!(user.follow_log(id, 0));
    let mut last: Option<Task> = None;
    let mut items = Vec::new();
    let (mut drained_at, mut started_at, mut stepped_at) = (None, None, None);
    let (mut states_open, mut log_open) = (true, true);
    while states_open || log_open {
        tokio::select! {
            state = states.next(), if states_open => match state {
                Some(task) => {
                    let task = task?;
                    let run = task.current_run.as_ref().map(|run| run.state.as_str());
                    if run == Some("DRAINING") {
                        drained_at.get_or_insert_with(Instant::now);
                    }
                    if run.is_some() {
                        started_at.get_or_insert_with(Instant::now);
                    }
                    let line = describe(&task);
                    if last.as_ref().map(describe).as_ref() != Some(&line) {
                        println!("{name:>11} : {line}");
                    }
                    last = Some(task);
                }
                None => states_open = false,
            },
            event = log.next(), if log_open => match event {
                Some(event) => for item in event?.items {
                    if item.text.starts_with("step ") {
                        stepped_at.get_or_insert_with(Instant::now);
                    }
                    println!("{name:>11} | {}", item.text);
                    on_line(&item.text);
                    items.push(item);
                },
                None => log_open = false,
            },
        }
    }
    ensure!(last.is_some(), "the task was never seen");
    Ok(Seen {
        lines: lines(&items),
        drained_at,
        started_at,
        stepped_at,
    })
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
        (Some(wait), _) => format!("{}: {}", task.state, wait.message),
        (None, Some(outcome)) => format!("{} as {outcome}", task.state),
        (None, None) => format!("{}, run {run}: {}", task.state, ranks.join(", ")),
    }
}

/// Whole lines from items, of which a partial one goes on in the next.
pub(super) fn lines(items: &[LogItem]) -> Vec<String> {
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
