//! Where the logs of all ranks lie.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::RankLog;
use super::tail::Tailed;

/// The directory with the logs of all users.
#[derive(Debug, Clone)]
pub struct LogStore {
    root: PathBuf,
    pub(super) tailed: Arc<Tailed>,
}

impl LogStore {
    /// A store below `root`, which need not exist yet.
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            tailed: Arc::default(),
        }
    }

    /// Directory of the log segments of one rank of one run.
    ///
    /// `user` is the name of an existing user: user names are checked when users are made and hold no separators.
    pub fn rank_dir(&self, user: &str, task: i64, run: i32, rank: u32) -> PathBuf {
        self.task_dir(user, task)
            .join(run.to_string())
            .join(rank.to_string())
    }

    /// Removes the logs of a run that is over, if they are there.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(crate) async fn remove_run(&self, user: &str, task: i64, run: i32) -> io::Result<()> {
        remove(self.task_dir(user, task).join(run.to_string())).await
    }

    /// Removes the logs of a task that is over, if they are there.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(crate) async fn remove_task(&self, user: &str, task: i64) -> io::Result<()> {
        remove(self.task_dir(user, task)).await
    }

    fn task_dir(&self, user: &str, task: i64) -> PathBuf {
        self.root.join(user).join(task.to_string())
    }

    pub(super) fn dir_of(&self, log: &RankLog, run: i32) -> PathBuf {
        self.rank_dir(&log.user, log.task, run, log.rank)
    }
}

async fn remove(dir: PathBuf) -> io::Result<()> {
    match tokio::fs::remove_dir_all(dir).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
