//! Follows one task live: its states and its log, until it is finished.

use std::pin::pin;
use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::StreamExt;

use super::client::{Client, LogItem, Task};
use super::steps::is_shown;
use super::view::{About, Lane};

/// What was seen of a task.
#[derive(Debug)]
pub(super) struct Seen {
    /// The log of rank 0.
    pub(super) log: Vec<Line>,
    /// When its run began to drain for the first time.
    pub(super) drained_at: Option<Instant>,
    /// When its first run had nodes.
    pub(super) started_at: Option<Instant>,
    /// When it told of its first step.
    pub(super) stepped_at: Option<Instant>,
}

/// A whole line of a log.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Number of the run that printed it.
    pub(super) run: i32,
    pub(super) text: String,
}

/// Shows states and log lines as they come, until the task is finished. `on_line` hears each line.
pub(super) async fn watch(
    user: &Client,
    id: &str,
    lane: Lane<'_>,
    mut on_line: impl FnMut(&str),
) -> Result<Seen> {
    let mut states = pin!(user.follow_task(id));
    let mut log = pin!(user.follow_log(id, 0));
    let mut last: Option<String> = None;
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
                    if last.as_ref() != Some(&line) {
                        print!("{}", lane.lines(About::State, &line));
                    }
                    last = Some(line);
                }
                None => states_open = false,
            },
            event = log.next(), if log_open => match event {
                Some(event) => for item in event?.items {
                    if item.text.starts_with("step ") {
                        stepped_at.get_or_insert_with(Instant::now);
                    }
                    if is_shown(&item.text) {
                        print!("{}", lane.lines(About::Log, &item.text));
                    }
                    on_line(&item.text);
                    items.push(item);
                },
                None => log_open = false,
            },
        }
    }
    ensure!(last.is_some(), "the task was never seen");
    Ok(Seen {
        log: lines(&items),
        drained_at,
        started_at,
        stepped_at,
    })
}

fn describe(task: &Task) -> String {
    match (&task.wait, &task.outcome, &task.current_run) {
        (Some(wait), _, _) => format!("{}: {}", task.state, wait.message),
        (None, Some(outcome), _) => format!("{} as {outcome}", task.state),
        (None, None, Some(run)) if task.state == "RUNNING" => {
            let ranks: Vec<String> = run
                .pods
                .iter()
                .map(|pod| format!("{} {}", pod.node, pod.state.to_lowercase()))
                .collect();
            format!("run {} {}: {}", run.number, run.state, ranks.join(", "))
        }
        (None, None, _) => task.state.clone(),
    }
}

/// Whole lines from items, of which a partial one goes on in the next one of its run.
pub(super) fn lines(items: &[LogItem]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open = None;
    for item in items {
        match lines.last_mut() {
            Some(line) if open == Some(item.run) => line.text.push_str(&item.text),
            _ => lines.push(Line {
                run: item.run,
                text: item.text.clone(),
            }),
        }
        open = item.partial.then_some(item.run);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_line_goes_on_only_in_its_own_run() {
        let item = |run, text: &str, partial| LogItem {
            run,
            text: text.to_owned(),
            partial,
        };
        let line = |run, text: &str| Line {
            run,
            text: text.to_owned(),
        };
        let items = [
            item(1, "one", true),
            item(1, " line", false),
            item(1, "killed he", true),
            item(2, "again", false),
        ];
        assert_eq!(
            lines(&items),
            [line(1, "one line"), line(1, "killed he"), line(2, "again")]
        );
    }
}
