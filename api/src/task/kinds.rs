//! The enums of a task.

use async_graphql::Enum;
use domain::task::{self, ShownState};

/// Kind of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TaskType {
    /// Training on whole nodes; may be suspended and run again.
    Training,
}

impl From<task::TaskType> for TaskType {
    fn from(task_type: task::TaskType) -> Self {
        match task_type {
            task::TaskType::Training => Self::Training,
        }
    }
}

impl From<TaskType> for task::TaskType {
    fn from(task_type: TaskType) -> Self {
        match task_type {
            TaskType::Training => Self::Training,
        }
    }
}

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TaskState {
    /// Waits for nodes and has never run.
    WaitingInit,
    /// Has an open run.
    Running,
    /// Waits for nodes and has run before.
    Suspended,
    /// Will not run again by itself; its outcome says how it ended.
    Finished,
}

impl From<ShownState> for TaskState {
    fn from(state: ShownState) -> Self {
        match state {
            ShownState::WaitingInit => Self::WaitingInit,
            ShownState::Running => Self::Running,
            ShownState::Suspended => Self::Suspended,
            ShownState::Finished => Self::Finished,
        }
    }
}

impl From<TaskState> for ShownState {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::WaitingInit => Self::WaitingInit,
            TaskState::Running => Self::Running,
            TaskState::Suspended => Self::Suspended,
            TaskState::Finished => Self::Finished,
        }
    }
}

/// What the owner wants of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TaskDesired {
    /// That it runs.
    Run,
    /// That it waits until it is resumed.
    Hold,
    /// That it ends.
    Stop,
}

impl From<task::Desired> for TaskDesired {
    fn from(desired: task::Desired) -> Self {
        match desired {
            task::Desired::Run => Self::Run,
            task::Desired::Hold => Self::Hold,
            task::Desired::Stop => Self::Stop,
        }
    }
}

/// How a run, and with its last run a task, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Outcome {
    /// Every rank exited with 0, or the owner ended it as succeeded.
    Succeeded,
    /// A rank exited with another code, or the owner ended it as failed.
    Failed,
    /// The owner stopped it.
    Stopped,
    /// Its nodes were needed elsewhere; it goes on later.
    Suspended,
    /// It printed nothing for too long, or ran longer than it was allowed to.
    Timeout,
    /// A node or an agent was lost.
    Lost,
    /// A rank could not be started.
    StartFailed,
}

impl From<task::Outcome> for Outcome {
    fn from(outcome: task::Outcome) -> Self {
        match outcome {
            task::Outcome::Succeeded => Self::Succeeded,
            task::Outcome::Failed => Self::Failed,
            task::Outcome::Stopped => Self::Stopped,
            task::Outcome::Suspended => Self::Suspended,
            task::Outcome::Timeout => Self::Timeout,
            task::Outcome::Lost => Self::Lost,
            task::Outcome::StartFailed => Self::StartFailed,
        }
    }
}

/// As what a task is to end when it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum StopAs {
    /// As stopped.
    Stopped,
    /// As if it had succeeded.
    Succeeded,
    /// As if it had failed.
    Failed,
}

impl From<StopAs> for task::StopAs {
    fn from(stop_as: StopAs) -> Self {
        match stop_as {
            StopAs::Stopped => Self::Stopped,
            StopAs::Succeeded => Self::Succeeded,
            StopAs::Failed => Self::Failed,
        }
    }
}
