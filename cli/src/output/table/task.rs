//! Tasks and their ranks.

use comfy_table::{Cell, Color, Row};

use super::frame::{moment, table};
use super::history::history;
use crate::{
    operations::{Outcome, Pod, PodState, Run, Task, TaskState, TaskSummary},
    output::Look,
};

/// Where the names are in a table of tasks.
const NAME: usize = 1;
/// Where the messages are in a table of ranks.
const MESSAGE: usize = 5;

/// Tasks, one a line.
pub(crate) fn task_table(tasks: &[&TaskSummary], look: Look) -> String {
    let rows = tasks.iter().map(|task| {
        Row::from([
            Cell::new(task.id.inner()),
            Cell::new(&task.name),
            Cell::new(task.node_count),
            state_cell(task),
            Cell::new(&task.task_type),
            Cell::new(task.restart_count),
            Cell::new(moment(Some(task.created_at))),
        ])
    });
    let header = [
        "id",
        "name",
        "nodes",
        "state",
        "type",
        "restarts",
        "created (UTC)",
    ];
    table(header, NAME, rows, look)
}

/// A task: its line, its ranks, its runs if there were several, and what else there is to know.
pub(crate) fn task_detail(task: &Task, look: Look) -> String {
    let mut text = task_table(&[&task.summary], look);
    if let Some(run) = &task.current_run
        && !run.pods.is_empty()
    {
        text += "\n";
        text += &pod_table(&run.pods, look);
    }
    if task.runs.total_count > 1 {
        text += "\n";
        text += &history(&task.runs, look);
    }
    text += "\n";
    for (name, value) in facts(task) {
        text += &format!("{:<13}{value}\n", format!("{name}:"));
    }
    text
}

/// What to do next with a new task.
pub(crate) fn hints(id: &str, program: &str) -> String {
    format!(
        "status: {program} status {id}\n\
         log:    {program} logs -f {id}\n\
         stop:   {program} stop {id}\n"
    )
}

fn pod_table(pods: &[Pod], look: Look) -> String {
    let rows = pods.iter().map(|pod| {
        Row::from([
            Cell::new(pod.rank),
            Cell::new(&pod.state).fg(pod_colour(&pod.state)),
            Cell::new(&pod.node),
            Cell::new(moment(pod.started_at)),
            Cell::new(
                pod.exit_code
                    .map_or("-".to_owned(), |code| code.to_string()),
            ),
            Cell::new(pod.message.as_deref().unwrap_or("-")),
        ])
    });
    let header = [
        "rank",
        "status",
        "node",
        "began (UTC)",
        "exit code",
        "message",
    ];
    table(header, MESSAGE, rows, look)
}

/// What a task's line has no room for.
pub(in crate::output) fn facts(task: &Task) -> Vec<(&'static str, String)> {
    let summary = &task.summary;
    let zone = summary.zone.as_ref().map(|zone| format!("#{zone}"));
    let mut facts = vec![
        (
            "group",
            format!("{}{}", summary.group, zone.unwrap_or_default()),
        ),
        ("priority", summary.priority.to_string()),
        ("environment", summary.environment.clone()),
        ("command", summary.command.clone()),
    ];
    if let Some(run) = &task.current_run {
        facts.push(("run", run_line(run)));
    }
    if let Some(code) = summary.exit_code {
        facts.push(("exit code", code.to_string()));
    }
    if let Some(wait) = &summary.wait {
        let position = wait
            .position
            .map(|n| format!(" (position {n} in its group)"));
        facts.push((
            "waiting",
            format!("{}{}", wait.message, position.unwrap_or_default()),
        ));
    }
    facts
}

fn run_line(run: &Run) -> String {
    let mut line = format!("{} {}", run.facts.number, run.facts.state);
    match (&run.facts.outcome, &run.facts.drain_reason) {
        (Some(outcome), _) => line += &format!(", {outcome}"),
        (None, Some(reason)) => line += &format!(" because of {reason}"),
        (None, None) => {}
    }
    if let Some(message) = &run.facts.message {
        line += &format!(": {message}");
    }
    line
}

/// A finished task shows how it ended, any other where it is.
fn state_cell(task: &TaskSummary) -> Cell {
    match (&task.state, &task.outcome) {
        (TaskState::Finished, Some(outcome)) => Cell::new(outcome).fg(outcome_colour(outcome)),
        (state, _) => Cell::new(state).fg(state_colour(state)),
    }
}

pub(super) fn state_colour(state: &TaskState) -> Color {
    match state {
        TaskState::WaitingInit | TaskState::Suspended => Color::Blue,
        TaskState::Running => Color::Yellow,
        TaskState::Finished | TaskState::Other(_) => Color::Reset,
    }
}

pub(super) fn outcome_colour(outcome: &Outcome) -> Color {
    match outcome {
        Outcome::Succeeded => Color::Green,
        Outcome::Stopped => Color::DarkGrey,
        Outcome::Suspended => Color::Blue,
        Outcome::Failed | Outcome::Timeout | Outcome::Lost | Outcome::StartFailed => Color::Red,
        Outcome::Other(_) => Color::Reset,
    }
}

fn pod_colour(state: &PodState) -> Color {
    match state {
        PodState::Created | PodState::Registered => Color::Blue,
        PodState::Running => Color::Yellow,
        PodState::Succeeded => Color::Green,
        PodState::Failed | PodState::Lost => Color::Red,
        PodState::Stopped => Color::DarkGrey,
        PodState::Other(_) => Color::Reset,
    }
}
