//! Everything about a task as comments, which stand above its document.

use super::table::{moment, task_facts};
use crate::operations::{Pod, RunSummary, Task};

/// What there is to know about a task beside its document, as comments of YAML.
pub(crate) fn description(task: &Task, runs: &[RunSummary], program: &str) -> String {
    let summary = &task.summary;
    let id = summary.id.inner();
    let mut lines = vec![format!(
        "task {id} `{}` of {}",
        summary.name, summary.user.name
    )];
    let outcome = summary
        .outcome
        .as_ref()
        .map(|outcome| format!(", {outcome}"));
    let mut facts = vec![
        (
            "state",
            format!("{}{}", summary.state, outcome.unwrap_or_default()),
        ),
        ("desired", summary.desired.to_string()),
        ("nodes", summary.node_count.to_string()),
    ];
    facts.extend(task_facts(task));
    facts.extend([
        ("workspace", summary.workspace.clone()),
        ("tags", listed(&summary.tags)),
        ("created", utc(Some(summary.created_at))),
        ("started", utc(summary.started_at)),
        ("finished", utc(summary.finished_at)),
        ("restarts", summary.restart_count.to_string()),
        ("log", logs(summary.node_count, id, program)),
    ]);
    lines.extend(
        facts
            .iter()
            .map(|(name, value)| format!("  {:<13}{value}", format!("{name}:"))),
    );
    lines.push(match runs {
        [] => "no run so far".to_owned(),
        runs => format!("runs, the newest first: {}", runs.len()),
    });
    lines.extend(runs.iter().map(|run| format!("  {}", run_line(run))));
    if let Some(run) = task.current_run.as_ref().filter(|run| !run.pods.is_empty()) {
        lines.push(format!("ranks of run {}", run.facts.number));
        lines.extend(run.pods.iter().map(|pod| format!("  {}", pod_line(pod))));
    }
    lines.push(String::new());
    let commented = lines.iter().flat_map(|line| line.split(['\n', '\r']));
    commented
        .map(|line| format!("{}\n", format!("# {line}").trim_end()))
        .collect()
}

fn utc(time: Option<chrono::DateTime<chrono::Utc>>) -> String {
    match time {
        Some(_) => format!("{} UTC", moment(time)),
        None => "-".to_owned(),
    }
}

fn listed(tags: &[String]) -> String {
    match tags {
        [] => "-".to_owned(),
        tags => tags.join(", "),
    }
}

/// Where its output can be read.
fn logs(n_ranks: i32, id: &str, program: &str) -> String {
    match n_ranks {
        1 => format!("{program} logs {id}"),
        n => format!("{program} logs {id} -r RANK, RANK from 0 to {}", n - 1),
    }
}

fn run_line(run: &RunSummary) -> String {
    let mut line = format!("{}: {}", run.facts.number, run.facts.state);
    if let Some(outcome) = &run.facts.outcome {
        line += &format!(", {outcome}");
    }
    if let Some(reason) = &run.facts.drain_reason {
        line += &format!(" because of {reason}");
    }
    if let Some(code) = run.facts.exit_code {
        line += &format!(", exit code {code}");
    }
    line += &format!(
        ", priority {}, nodes from {}, began {}, ended {}",
        run.priority,
        utc(Some(run.facts.created_at)),
        utc(run.facts.started_at),
        utc(run.facts.ended_at)
    );
    if let Some(message) = &run.facts.message {
        line += &format!(": {message}");
    }
    line
}

fn pod_line(pod: &Pod) -> String {
    let mut line = format!("{}: {} on {}", pod.rank, pod.state, pod.node);
    if let Some(code) = pod.exit_code {
        line += &format!(", exit code {code}");
    }
    line += &format!(
        ", began {}, ended {}",
        utc(pod.started_at),
        utc(pod.ended_at)
    );
    if let Some(message) = &pod.message {
        line += &format!(": {message}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::task_for_tests;

    #[test]
    fn every_line_is_a_comment_even_where_a_message_has_several() {
        let mut task = task_for_tests();
        let run = task.current_run.as_mut().unwrap();
        run.pods[0].message = Some("first\nversion: 3".to_owned());
        let text = description(&task, &[], "hai-cli");
        assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
        for part in [
            "# task 12 `train.py` of ada\n",
            "#   log:         hai-cli logs 12 -r RANK, RANK from 0 to 1\n",
            "# no run so far\n",
            "#   0: running on node-1, began 2026-11-23 18:43:45 UTC, ended -: first\n# version: 3\n",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
