//! The life of a task as a pure, total function. `docs/lifecycle.md` has the table.

use entity::task::{Outcome, State, StopAs};

/// What may happen to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEvent {
    /// The scheduler gave it nodes.
    Start,
    /// Somebody who may wants it to end.
    Stop(StopAs),
    /// Its open run has ended.
    RunEnded(Outcome),
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskChange {
    /// It has an open run now.
    Started,
    /// It is over.
    Finished(Outcome),
    /// It will end as soon as its run has: only the wish is written.
    StopWanted(StopAs),
    /// It was over already.
    Nothing,
}

/// The event does not fit the state: somebody else was faster, or there is a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} does not fit a task that is {state:?}")]
pub struct InvalidTransition {
    state: State,
    event: TaskEvent,
}

/// What an event does to a task.
///
/// # Errors
/// [`InvalidTransition`] where the table says "refused".
pub fn next(state: State, event: TaskEvent) -> Result<TaskChange, InvalidTransition> {
    match (state, event) {
        (State::Queued, TaskEvent::Start) => Ok(TaskChange::Started),
        // Nothing of a queued task exists anywhere, so it can end at once.
        (State::Queued, TaskEvent::Stop(stop_as)) => Ok(TaskChange::Finished(as_outcome(stop_as))),
        (State::Running, TaskEvent::Stop(stop_as)) => Ok(TaskChange::StopWanted(stop_as)),
        (State::Running, TaskEvent::RunEnded(outcome)) => Ok(TaskChange::Finished(outcome)),
        (State::Finished, TaskEvent::Stop(_)) => Ok(TaskChange::Nothing),
        (State::Running | State::Finished, TaskEvent::Start)
        | (State::Queued | State::Finished, TaskEvent::RunEnded(_)) => {
            Err(InvalidTransition { state, event })
        }
    }
}

/// The outcome that a stop asks for.
pub fn as_outcome(stop_as: StopAs) -> Outcome {
    match stop_as {
        StopAs::Stopped => Outcome::Stopped,
        StopAs::Succeeded => Outcome::Succeeded,
        StopAs::Failed => Outcome::Failed,
    }
}

/// The original's stop code of a stop that was asked for.
pub fn stop_code(stop_as: StopAs) -> i32 {
    match stop_as {
        StopAs::Stopped => 1024,
        StopAs::Succeeded => 4096,
        StopAs::Failed => 8192,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_transition_table_is_as_committed() {
        let mut table = String::new();
        for state in [State::Queued, State::Running, State::Finished] {
            for event in [
                TaskEvent::Start,
                TaskEvent::Stop(StopAs::Stopped),
                TaskEvent::Stop(StopAs::Succeeded),
                TaskEvent::Stop(StopAs::Failed),
                TaskEvent::RunEnded(Outcome::Succeeded),
                TaskEvent::RunEnded(Outcome::Lost),
            ] {
                let result = match next(state, event) {
                    Ok(change) => format!("{change:?}"),
                    Err(_) => "refused".to_owned(),
                };
                let _ = writeln!(table, "{state:?} + {event:?} -> {result}");
            }
        }
        insta::assert_snapshot!(table);
    }
}
