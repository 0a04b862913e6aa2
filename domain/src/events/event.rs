//! What a wake-up says.

use entity::{RunId, TaskId, UserId};

/// Where something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// What this user may do, or a token or a session of his. First, so that it is heard before what he may no longer see.
    Access(UserId),
    /// A task, or whether it may be planned.
    Task(TaskId),
    /// Why a task waits, which changes nothing about what can be done.
    Wait(TaskId),
    /// A run or one of its pods.
    Run(TaskId, RunId),
    /// The log of this rank of a task grew.
    Log(TaskId, i32),
    /// A node's status or its holder.
    Nodes,
    /// Quotas or users: what may be planned.
    Quotas,
    /// Unknown: some wake-ups were lost.
    Resync,
}

impl Event {
    /// The task that changed, if it is known which.
    pub fn task(&self) -> Option<TaskId> {
        match *self {
            Self::Task(id) | Self::Wait(id) | Self::Run(id, _) => Some(id),
            Self::Log(..) | Self::Nodes | Self::Quotas | Self::Access(_) | Self::Resync => None,
        }
    }
}
