//! Tables and lines for people.

use chrono::{DateTime, Utc};
use comfy_table::{Cell, Color, ContentArrangement, Table, TableStyle, presets};

use super::Look;
use crate::operations::{
    Outcome, Pod, PodState, QuotaUsage, Run, Task, TaskState, TaskSummary, User, UserRole,
};

/// Tasks, one a line.
pub(crate) fn task_table(tasks: &[&TaskSummary], look: Look) -> String {
    let mut table = table(look, presets::ASCII_FULL_CONDENSED);
    table.set_header([
        "id",
        "name",
        "nodes",
        "state",
        "type",
        "restarts",
        "created (UTC)",
    ]);
    for task in tasks {
        table.add_row([
            Cell::new(task.id.inner()),
            Cell::new(&task.name),
            Cell::new(task.node_count),
            state_cell(task),
            Cell::new(&task.task_type),
            Cell::new(task.restart_count),
            Cell::new(moment(Some(task.created_at))),
        ]);
    }
    format!("{table}\n")
}

/// A task: its line, its ranks, and what else there is to know.
pub(crate) fn task_detail(task: &Task, look: Look) -> String {
    let mut text = task_table(&[&task.summary], look);
    if let Some(run) = &task.current_run
        && !run.pods.is_empty()
    {
        text += &pod_table(&run.pods, look);
    }
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

/// The user behind the token.
pub(crate) fn user(user: &User, address: &str, ascii: bool, look: Look) -> String {
    let role = match &user.role {
        UserRole::Internal => "internal".to_owned(),
        UserRole::External => "external".to_owned(),
        UserRole::Other(role) => role.to_lowercase(),
    };
    let mut text = format!("{} (uid {}, {role}) at {address}\n", user.name, user.uid);
    if !user.active {
        text += "This account is not active: its tasks do not start.\n";
    }
    if !user.groups.is_empty() {
        text += &format!("groups: {}\n", user.groups.join(", "));
    }
    let style = match ascii {
        true => presets::ASCII_FULL_CONDENSED,
        false => presets::UTF8_FULL_CONDENSED,
    };
    text += "\n";
    text += &quota_table(&user.quotas, ascii, style, look);
    text += "\n";
    text += &mount_table(user, style, look);
    text
}

fn pod_table(pods: &[Pod], look: Look) -> String {
    let mut table = table(look, presets::ASCII_FULL_CONDENSED);
    table.set_header([
        "rank",
        "status",
        "node",
        "began (UTC)",
        "exit code",
        "message",
    ]);
    for pod in pods {
        table.add_row([
            Cell::new(pod.rank),
            Cell::new(&pod.state).fg(pod_colour(&pod.state)),
            Cell::new(&pod.node),
            Cell::new(moment(pod.started_at)),
            Cell::new(
                pod.exit_code
                    .map_or("-".to_owned(), |code| code.to_string()),
            ),
            Cell::new(pod.message.as_deref().unwrap_or("-")),
        ]);
    }
    format!("{table}\n")
}

fn quota_table(quotas: &[QuotaUsage], ascii: bool, style: TableStyle, look: Look) -> String {
    if quotas.is_empty() {
        return "no quota: ask an administrator for nodes\n".to_owned();
    }
    // The most used groups first; inside one the order of the platform.
    let mut sorted: Vec<&QuotaUsage> = quotas.iter().collect();
    let used_by = |group: &str| -> i32 {
        let of_group = quotas.iter().filter(|quota| quota.group == group);
        of_group.map(|quota| quota.used).sum()
    };
    sorted.sort_by(|a, b| {
        let by_use = used_by(&b.group).cmp(&used_by(&a.group));
        by_use.then_with(|| a.group.cmp(&b.group))
    });
    let mut table = table(look, style);
    table.set_header(["group", "priority", "nodes", ""]);
    for quota in sorted {
        let is_full = quota.used >= quota.limit;
        let colour = if is_full { Color::Red } else { Color::Green };
        table.add_row([
            Cell::new(&quota.group),
            Cell::new(&quota.priority),
            Cell::new(format!("{}/{}", quota.used, quota.limit)),
            Cell::new(bar(quota.used, quota.limit, ascii)).fg(colour),
        ]);
    }
    format!("{table}\n")
}

fn mount_table(user: &User, style: TableStyle, look: Look) -> String {
    if user.mounts.is_empty() {
        return "no directory is mounted\n".to_owned();
    }
    let mut table = table(look, style);
    table.set_header(["mounted directory", "access"]);
    for mount in &user.mounts {
        let access = if mount.read_only {
            "read only"
        } else {
            "read and write"
        };
        table.add_row([mount.path.as_str(), access]);
    }
    format!("{table}\n")
}

/// A bar of twenty steps.
fn bar(used: i32, limit: i32, ascii: bool) -> String {
    const STEPS: i64 = 20;
    let (full, empty) = if ascii { ("#", ".") } else { ("█", "░") };
    let limit = i64::from(limit.max(1));
    let filled = (i64::from(used) * STEPS / limit).clamp(0, STEPS);
    let repeat = |text: &str, times: i64| text.repeat(usize::try_from(times).unwrap_or(0));
    repeat(full, filled) + &repeat(empty, STEPS - filled)
}

/// What a task's line has no room for.
fn facts(task: &Task) -> Vec<(&'static str, String)> {
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
            .map(|n| format!(" (position {n} in the queue)"));
        facts.push((
            "waiting",
            format!("{}{}", wait.message, position.unwrap_or_default()),
        ));
    }
    facts
}

fn run_line(run: &Run) -> String {
    let mut line = format!("{} {}", run.number, run.state);
    match (&run.outcome, &run.drain_reason) {
        (Some(outcome), _) => line += &format!(", {outcome}"),
        (None, Some(reason)) => line += &format!(" because of {reason}"),
        (None, None) => {}
    }
    if let Some(message) = &run.message {
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

fn state_colour(state: &TaskState) -> Color {
    match state {
        TaskState::WaitingInit | TaskState::Suspended => Color::Blue,
        TaskState::Running => Color::Yellow,
        TaskState::Finished | TaskState::Other(_) => Color::Reset,
    }
}

fn outcome_colour(outcome: &Outcome) -> Color {
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

fn table(look: Look, style: TableStyle) -> Table {
    let mut table = Table::new();
    table.load_style(style).force_no_tty();
    if let Some(width) = look.width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    if look.colour {
        table.enforce_styling();
    }
    table
}

fn moment(time: Option<DateTime<Utc>>) -> String {
    time.map_or("-".to_owned(), |time| {
        time.format("%Y-%m-%d %H:%M:%S").to_string()
    })
}

#[cfg(test)]
#[path = "table_tests.rs"]
pub(crate) mod tests;
