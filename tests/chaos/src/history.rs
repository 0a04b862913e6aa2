//! What clients asked and were told, and when: the only witness of what the platform promised.

use std::time::Duration;

use serde::Deserialize;

/// A task, by its place among all that clients have wanted to submit. Known before the platform gives it an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Wanted(pub(crate) u64);

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// That there be such a task: repeated under the same key.
    Submit,
    /// That it end.
    Stop,
    /// That it wait.
    Suspend,
    /// That it run.
    Resume,
    /// That it have this priority: a place in [`PRIORITIES`].
    Priority(usize),
    /// How it is.
    Look,
}

/// Priorities that clients choose from.
pub(crate) const PRIORITIES: [&str; 5] = ["LOW", "BELOW_NORMAL", "UNDER_NORMAL", "NORMAL", "HIGH"];

/// A task as an answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) desired: String,
    pub(crate) priority: String,
    pub(crate) outcome: Option<String>,
    pub(crate) run_count: i64,
}

impl Seen {
    pub(crate) fn is_finished(&self) -> bool {
        self.state == "FINISHED"
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was done, and the task is like this.
    Done(Seen),
    /// It was not done, and will not be: the code says why.
    Refused(String),
    /// Nobody knows: it may have been done, or may still be.
    Unknown,
}

/// One question and its answer. Times count from the beginning of the load.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) task: Wanted,
    pub(crate) ask: Ask,
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
    pub(crate) answer: Answer,
}

impl Operation {
    /// What it showed, if it was done.
    pub(crate) fn seen(&self) -> Option<&Seen> {
        match &self.answer {
            Answer::Done(seen) => Some(seen),
            Answer::Refused(_) | Answer::Unknown => None,
        }
    }

    /// Whether it may have changed something.
    pub(crate) fn may_count(&self) -> bool {
        !matches!(self.answer, Answer::Refused(_))
    }

    /// Whether it was over before the other began. What nobody knows the end of never is.
    pub(crate) fn precedes(&self, other: &Self) -> bool {
        self.seen().is_some() && self.answered < other.asked
    }
}

/// The same for the quota of a user: its value was written or read.
#[derive(Debug, Clone)]
pub(crate) struct QuotaOperation {
    pub(crate) user: usize,
    /// What was written; a read wrote nothing.
    pub(crate) wrote: Option<i64>,
    /// What the answer said.
    pub(crate) told: Option<i64>,
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
}

/// Everything that all clients saw.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) tasks: Vec<Operation>,
    pub(crate) quotas: Vec<QuotaOperation>,
}

impl History {
    pub(crate) fn len(&self) -> usize {
        self.tasks.len() + self.quotas.len()
    }
}
