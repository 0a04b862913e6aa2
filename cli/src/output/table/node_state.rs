//! What became of a node.

use comfy_table::Row;

use super::frame::{moment, table};
use crate::{
    operations::{NodeState, TaskOnNode},
    output::Look,
};

/// Where the reasons are in a table of states.
const WHY: usize = 3;

/// States, one a line.
pub(crate) fn state_table(states: &[NodeState], look: Look) -> String {
    let rows = states.iter().map(|state| {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        Row::from([
            moment(Some(state.at)),
            state.state.to_string().replace('_', " "),
            or_none(&state.by),
            or_none(&state.why),
        ])
    });
    table(["at", "state", "by", "why"], WHY, rows, look)
}

/// A rank that was on a node, in a line.
pub(crate) fn located(found: &TaskOnNode) -> String {
    let until = match found.until {
        Some(until) => format!("until {}", moment(Some(until))),
        None => "and still is".to_owned(),
    };
    format!(
        "rank {} of run {} of task {} {} ({}), from {} {until}\n",
        found.rank,
        found.run,
        found.task.inner(),
        found.name,
        found.user,
        moment(Some(found.from)),
    )
}
