//! What a runtime can say about a rank.

use protocol::ExitRecord;

/// What became of a rank.
///
/// A rank that has processes on its node, or may get some, is `Alive`, `Stuck` or `Orphaned`; in every other state its node
/// is free of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Nothing of it is known here: it was never started, or it was forgotten.
    NotStarted,
    /// Its agent takes care of it.
    Alive,
    /// Its agent has not started yet, and this keeps it from it. It may still start.
    Stuck(String),
    /// It has ended and left nothing but its record. Its agent may be about to leave.
    Exited(ExitRecord),
    /// Its agent is gone, but other processes of it are left. Only [`super::Runtime::kill`] ends this.
    Orphaned,
    /// It was started and is gone without a record.
    Vanished,
    /// Nobody could reach it any more, so it was fenced off: nothing of it is left, and nothing comes back.
    Fenced,
}
