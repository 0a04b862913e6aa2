//! Moments of the story that a test can observe, and the kills that wait for them.

use std::fmt;

use serde_json::Value;
use tests::Seen;

/// One of the two trainings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Background,
    Urgent,
}

/// Something that happens in the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moment {
    /// The server came up for the nth time; nothing was asked of it yet.
    Up(u32),
    /// The submit is under way: nobody knows whether it has come to anything.
    Submitting(Who),
    /// The submit was answered.
    Submitted(Who),
    /// A state of the task and its newest run was seen.
    State(Who, String),
    /// A line of the log was seen; in a plan, how it begins.
    Line(Who, String),
}

/// A death of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kill {
    /// When.
    pub(super) at: Moment,
    /// How many more questions the server answers before it dies: what little time is without a clock.
    pub(super) answers: u32,
}

impl Moment {
    /// What was seen of a task.
    pub(super) fn of(who: Who, seen: &Seen) -> Self {
        match seen {
            Seen::State(task) => Self::State(who, state(task)),
            Seen::Line(line) => Self::Line(who, line.clone()),
        }
    }

    /// Whether the moment of a plan is this one.
    pub(super) fn is(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Line(who, begin), Self::Line(now, line)) => {
                who == now && line.starts_with(begin)
            }
            _ => self == now,
        }
    }
}

/// The state of a task in a few words, as `RUNNING, run 1 DRAINING`.
fn state(task: &Value) -> String {
    let word = |at: &str| task.pointer(at).and_then(Value::as_str).unwrap_or("-");
    let number = task.pointer("/currentRun/number").and_then(Value::as_i64);
    match number {
        None => word("/state").to_owned(),
        Some(number) => format!(
            "{}, run {number} {}",
            word("/state"),
            word("/currentRun/state")
        ),
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Background => "background",
            Self::Urgent => "urgent",
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(n) => write!(f, "up {n}"),
            Self::Submitting(who) => write!(f, "submitting {who}"),
            Self::Submitted(who) => write!(f, "submitted {who}"),
            Self::State(who, state) => write!(f, "{who}: {state}"),
            Self::Line(who, begin) => write!(f, "{who} | {begin}"),
        }
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} +{}]", self.at, self.answers)
    }
}
