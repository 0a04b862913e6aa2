//! What runs and ranks are called where they run.

use std::fmt;

/// One attempt of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// Numeric id of the task.
    pub task: i64,
    /// Number of the run within the task, from 1.
    pub run: i32,
}

/// One rank of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RankKey {
    /// Numeric id of the task.
    pub task: i64,
    /// Number of the run within the task, from 1.
    pub run: i32,
    /// Index of the rank within the run, from 0.
    pub rank: u32,
}

impl RankKey {
    /// The run that the rank belongs to.
    pub fn run_key(&self) -> RunKey {
        RunKey {
            task: self.task,
            run: self.run,
        }
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.task, self.run)
    }
}

impl fmt::Display for RankKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.task, self.run, self.rank)
    }
}
