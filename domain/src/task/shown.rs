//! The state of a task as its users see it.

use super::{State, Task};

/// The state as users see it; the words are the original's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShownState {
    /// Queued and never ran.
    WaitingInit,
    /// Has an open run.
    Running,
    /// Queued and ran before.
    Suspended,
    /// Over.
    Finished,
}

/// The state of a task as its users see it.
pub fn shown_state(task: &Task) -> ShownState {
    match task.state {
        State::Queued if task.run_count == 0 => ShownState::WaitingInit,
        State::Queued => ShownState::Suspended,
        State::Running => ShownState::Running,
        State::Finished => ShownState::Finished,
    }
}
