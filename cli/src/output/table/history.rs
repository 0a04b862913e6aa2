//! The runs of a task as a log: why each ended, and why the next one began.

use comfy_table::{Cell, Row};

use super::frame::{moment, table};
use crate::{
    operations::{RunConnection, RunState, RunSummary},
    output::Look,
};

/// Where the sentences are.
const WHAT: usize = 2;

/// The runs that are known, the oldest first, two lines for each: its beginning and its end.
pub(super) fn history(runs: &RunConnection, look: Look) -> String {
    let rows = runs.nodes.iter().rev().flat_map(|run| {
        let lines = [
            Some((Some(run.facts.created_at), beginning(run))),
            end(run).map(|text| (run.facts.ended_at, text)),
        ];
        lines.into_iter().flatten().map(|(time, text)| {
            Row::from([
                Cell::new(run.facts.number),
                Cell::new(moment(time)),
                Cell::new(text),
            ])
        })
    });
    let mut text = table(["run", "when (UTC)", "what"], WHAT, rows, look);
    let known = i32::try_from(runs.nodes.len()).unwrap_or(i32::MAX);
    match runs.total_count.saturating_sub(known) {
        0 => {}
        1 => text += "(and an earlier one)\n",
        earlier => text += &format!("(and {earlier} earlier ones)\n"),
    }
    text
}

fn beginning(run: &RunSummary) -> String {
    because("began", run.start_message.as_deref())
}

/// Absent while it goes on.
fn end(run: &RunSummary) -> Option<String> {
    let word = match (&run.facts.outcome, &run.facts.drain_reason) {
        (Some(outcome), _) => outcome.to_string(),
        (None, Some(reason)) => format!("ending ({reason})"),
        (None, None) if run.facts.state == RunState::Ended => "ended".to_owned(),
        (None, None) => return None,
    };
    Some(because(&word, run.facts.message.as_deref()))
}

fn because(word: &str, why: Option<&str>) -> String {
    match why {
        Some(why) => format!("{word}: {why}"),
        None => word.to_owned(),
    }
}
