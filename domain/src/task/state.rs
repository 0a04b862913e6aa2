//! The life of a task as a pure, total function. `docs/lifecycle.md` has the table.

use entity::task::{Desired, Outcome, State, StopAs};

/// What may happen to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEvent {
    /// The scheduler gave it nodes.
    Start,
    /// Somebody who may wants it to end.
    Stop(StopAs),
    /// Somebody who may wants it to wait until it is resumed.
    Hold,
    /// Somebody who may wants it to run, again if it was over.
    Resume,
    /// Its open run has ended for good.
    Over(Outcome),
    /// Its open run has ended and it is to run again.
    Again,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskChange {
    /// It has an open run now.
    Started,
    /// It is over.
    Finished(Outcome),
    /// It waits for nodes.
    Queued,
    /// Only what is wanted of it is written; its run, if it has one, follows.
    Wanted(Desired),
    /// It was so already.
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
        (State::Running, TaskEvent::Stop(_)) => Ok(TaskChange::Wanted(Desired::Stop)),
        (State::Finished, TaskEvent::Stop(_)) => Ok(TaskChange::Nothing),
        (State::Queued | State::Running, TaskEvent::Hold) => Ok(TaskChange::Wanted(Desired::Hold)),
        // A stop that is under way is taken back too: its run ends all the same, and the task runs again.
        (State::Queued | State::Running, TaskEvent::Resume) => Ok(TaskChange::Wanted(Desired::Run)),
        (State::Finished, TaskEvent::Resume) | (State::Running, TaskEvent::Again) => {
            Ok(TaskChange::Queued)
        }
        (State::Running, TaskEvent::Over(outcome)) => Ok(TaskChange::Finished(outcome)),
        (State::Finished, TaskEvent::Hold)
        | (State::Running | State::Finished, TaskEvent::Start)
        | (State::Queued | State::Finished, TaskEvent::Over(_) | TaskEvent::Again) => {
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
                TaskEvent::Hold,
                TaskEvent::Resume,
                TaskEvent::Over(Outcome::Succeeded),
                TaskEvent::Again,
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
