//! What is long over is removed: a little at a time, so that nobody waits for it, and never what is open or referred to.
//!
//! ```text
//! row    tables of rows that nothing refers to: keys of submits, states of nodes, changes of quotas, sessions, tokens
//! log    the logs of runs, oldest first
//! task   finished tasks: logs, pods, runs, what hangs on the task, the task itself
//! ```

mod log;
mod row;
mod task;
#[cfg(test)]
mod tests;

use chrono::TimeDelta;

use crate::app::App;
use crate::error::Result;

/// Rows that one transaction removes at most.
const MOST_ROWS: u64 = 500;

/// How long what is over is kept, from its end on; for ever if absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Finished tasks, with their runs and logs.
    pub tasks: Option<TimeDelta>,
    /// The logs of runs that have ended.
    pub logs: Option<TimeDelta>,
    /// Who changed which quota.
    pub quota_changes: Option<TimeDelta>,
}

/// Removes what is over.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    /// How far the logs of runs are removed. Whoever comes anew looks through all of them once more, and finds nothing.
    logs: log::Place,
}

impl Keeper {
    /// Removes a batch of everything that has been kept long enough. Says whether there may be more.
    ///
    /// # Errors
    /// If the database or the file system refuses.
    pub(crate) async fn tend(&mut self, app: &App) -> Result<bool> {
        let Retention {
            tasks,
            logs,
            quota_changes,
        } = app.settings.retention;
        let mut has_more = row::tend(app, quota_changes).await?;
        if let Some(keep) = logs {
            has_more |= self.logs.tend(app, app.now() - keep).await?;
        }
        if let Some(keep) = tasks {
            has_more |= task::tend(app, app.now() - keep).await?;
        }
        Ok(has_more)
    }
}
