//! The log of a rank: what the command prints, stamped line by line, in segments on disk.
//!
//! Each line starts with the time at which its first byte was read, in UTC, and is otherwise kept byte for byte. The
//! command is slowed down by nothing but its own pipe, and by no failure of the disk.

mod pump;
mod segment;
mod stamp;
#[cfg(test)]
mod tests;
mod writer;

use std::{io, os::fd::OwnedFd, path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use protocol::LogLimits;
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use pump::Pump;
use writer::Writer;

/// How long a disk may take at the end before the agent goes on without it.
const FINISH_LIMIT: Duration = Duration::from_secs(10);

/// The time of day, for stamps.
pub(crate) type Clock = fn() -> DateTime<Utc>;

/// Where a log is and how large it gets.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) limits: LogLimits,
}

/// How far a log has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes that the command printed, also those that could not be written.
    pub(crate) printed: u64,
    /// Logical length of the log in bytes: also of what was removed by the budget, or lost to a full disk.
    pub(crate) end: u64,
}

/// A log that follows a command.
pub(crate) struct Log {
    progress: watch::Receiver<Progress>,
    stop: CancellationToken,
    pump: JoinHandle<Writer>,
}

impl Log {
    /// Starts to move the output into the log.
    pub(crate) fn follow(output: io::PipeReader, place: Place, clock: Clock) -> io::Result<Self> {
        let output = tokio::net::unix::pipe::Receiver::from_owned_fd(OwnedFd::from(output))?;
        let (sender, progress) = watch::channel(Progress::default());
        let stop = CancellationToken::new();
        let pump = Pump::new(output, sender, clock, stop.clone()).run(place);
        Ok(Self {
            progress,
            stop,
            pump: TaskTracker::new().spawn(pump),
        })
    }

    /// Waits until the log has come further.
    pub(crate) async fn advanced(&mut self) -> Progress {
        if self.progress.changed().await.is_err() {
            // The output was closed; no more will come.
            std::future::pending::<()>().await;
        }
        *self.progress.borrow_and_update()
    }

    /// Takes what is still in the pipe, has the log written to the disk, and gives its logical length.
    pub(crate) async fn finish(self) -> u64 {
        self.stop.cancel();
        let synced = async {
            let writer = self.pump.await?;
            spawn_blocking(move || writer.finish()).await
        };
        match timeout(FINISH_LIMIT, synced).await {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => {
                tracing::error!(%error, "the log failed");
                self.progress.borrow().end
            }
            Err(_elapsed) => {
                tracing::error!("the disk takes too long to finish the log");
                self.progress.borrow().end
            }
        }
    }
}
