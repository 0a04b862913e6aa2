//! Killing everything of a rank.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::process;
use super::ranks::Ranks;
use crate::runtime::{RankKey, RuntimeError};

/// How long the processes of a rank may take to end before the caller has to come again. Killed processes end in a
/// moment; only one that is stuck in the kernel takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

impl Ranks {
    /// Kills the processes of a rank until none is left: what is struck may have started others meanwhile.
    pub(super) fn kill(&self, key: &RankKey) -> Result<(), RuntimeError> {
        let failed = |error| RuntimeError::unavailable(format!("kill rank {key}"), error);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let struck = self.strike(key).map_err(failed)?;
            if struck.is_empty() {
                return Ok(());
            }
            for handle in &struck {
                let patience = deadline.saturating_duration_since(Instant::now());
                if !process::has_ended(handle, patience).map_err(failed)? {
                    let still = "a process is still there long after SIGKILL";
                    return Err(failed(io::Error::new(io::ErrorKind::TimedOut, still)));
                }
            }
        }
    }

    /// Sends SIGKILL to all processes that the rank has now, to the agent first, so that it does not take the end of
    /// its command for a result. Gives the handles of those that had not ended.
    fn strike(&self, key: &RankKey) -> io::Result<Vec<OwnedFd>> {
        let _changing = self.change();
        let _rank = self.change_rank(key)?;
        let mut struck = Vec::new();
        for process in self.processes(key)? {
            if let Some(handle) = process::open(&process)? {
                process::kill(&handle)?;
                struck.push(handle);
            }
        }
        Ok(struck)
    }
}
