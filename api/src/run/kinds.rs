//! The enums of a run and its pods.

use async_graphql::Enum;
use domain::run;

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RunState {
    /// Its nodes are taken and its agents register; no command runs yet.
    Starting,
    /// Every agent has registered and the command runs.
    Running,
    /// It is ending; its nodes are still taken.
    Draining,
    /// Nothing of it is left on any node.
    Ended,
}

impl From<run::State> for RunState {
    fn from(state: run::State) -> Self {
        match state {
            run::State::Starting => Self::Starting,
            run::State::Running => Self::Running,
            run::State::Draining => Self::Draining,
            run::State::Ended => Self::Ended,
        }
    }
}

/// Why a run is ending, or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DrainReason {
    /// The task was stopped.
    Stop,
    /// Its nodes are needed elsewhere.
    Suspend,
    /// A rank could not be started.
    StartFailed,
    /// A rank failed.
    RankFailed,
    /// A node or an agent was lost.
    Lost,
    /// It printed nothing for too long, or ran too long.
    Timeout,
    /// Every rank exited with 0.
    Done,
}

impl From<run::DrainReason> for DrainReason {
    fn from(reason: run::DrainReason) -> Self {
        match reason {
            run::DrainReason::Stop => Self::Stop,
            run::DrainReason::Suspend => Self::Suspend,
            run::DrainReason::StartFailed => Self::StartFailed,
            run::DrainReason::RankFailed => Self::RankFailed,
            run::DrainReason::Lost => Self::Lost,
            run::DrainReason::Timeout => Self::Timeout,
            run::DrainReason::Done => Self::Done,
        }
    }
}

/// Where a pod is in its life. The last four are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PodState {
    /// It has its node; its agent may be starting.
    Created,
    /// Its agent waits for those of the other ranks.
    Registered,
    /// The command runs.
    Running,
    /// The command exited with 0.
    Succeeded,
    /// The command exited with another code, was silent for too long, or could not be started.
    Failed,
    /// The platform ended it.
    Stopped,
    /// It was gone without a word.
    Lost,
}

impl From<run::PodState> for PodState {
    fn from(state: run::PodState) -> Self {
        match state {
            run::PodState::Created => Self::Created,
            run::PodState::Registered => Self::Registered,
            run::PodState::Running => Self::Running,
            run::PodState::Succeeded => Self::Succeeded,
            run::PodState::Failed => Self::Failed,
            run::PodState::Stopped => Self::Stopped,
            run::PodState::Lost => Self::Lost,
        }
    }
}

/// How far a rank came with giving way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PodSuspend {
    /// The user's code has seen the request.
    Received,
    /// The user's code has said that it may be ended.
    Ready,
    /// It was ended without having said so.
    Forced,
}

impl From<run::PodSuspend> for PodSuspend {
    fn from(suspend: run::PodSuspend) -> Self {
        match suspend {
            run::PodSuspend::Received => Self::Received,
            run::PodSuspend::Ready => Self::Ready,
            run::PodSuspend::Forced => Self::Forced,
        }
    }
}
