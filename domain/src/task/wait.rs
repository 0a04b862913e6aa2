//! Why a task waits: stored as the planner's data, put into words when somebody asks.

use chrono::{DateTime, Utc};

use super::{State, Task};

/// Why a task waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Name of the reason, for programs: `OUT_OF_QUOTA`, `NOT_ENOUGH_NODES`, …
    pub reason: String,
    /// One sentence without a subject, for people.
    pub message: String,
    /// Place in the line of its group, 1 being the next to start.
    pub position: Option<u32>,
    /// When time alone ends it.
    pub until: Option<DateTime<Utc>>,
}

/// Why a queued task waits; absent before the scheduler has looked at it for the first time.
pub fn wait(task: &Task, now: DateTime<Utc>) -> Option<Wait> {
    let stored = task.wait.as_ref().filter(|_| task.state == State::Queued)?;
    let wait: scheduler::Wait = serde_json::from_value(stored.clone()).ok()?;
    let until = stored
        .pointer("/reason/until")
        .and_then(serde_json::Value::as_i64);
    Some(Wait {
        reason: stored
            .pointer("/reason/kind")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        message: scheduler::explain(&wait, now.timestamp_millis()),
        position: wait.position,
        until: until.and_then(DateTime::from_timestamp_millis),
    })
}
