//! Checkpoints of SQLite: what was written moves from the write-ahead log into the file, beside everything else.
//!
//! Left to itself, SQLite lets whoever commits do it as soon as the log is long. While there is always somebody who reads, the
//! log never becomes short again, and then each commit is a checkpoint, with two more flushes of the disk for which
//! everybody waits who wants to write. Here it is done without anybody waiting; only when the log has become long all the
//! same, writers wait for a moment, until everybody who reads from it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use tokio_util::task::TaskTracker;

use crate::error::chain;

/// Commits after which that is worth it: what a checkpoint costs others are its flushes, however much is moved. So many fill some
/// ten megabytes.
const COMMITS: usize = 512;
/// Pages of the log from which on writers wait.
const LONG_PAGES: i32 = 4096;
/// How long at most.
pub(super) const WAIT: Duration = Duration::from_millis(100);
/// Pages of the log, of 4 KiB, at which whoever commits has to do it after all: those who are to do it do not come to it.
pub(super) const MOST_PAGES: u32 = 16_384;
/// What the log keeps of the disk once it was moved as a whole.
pub(super) const KEPT_BYTES: u32 = 8 << 20;

/// Makes checkpoints. Clones share the work.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// One that nobody else uses.
    connection: DatabaseConnection,
    n_commits: AtomicUsize,
    is_under_way: AtomicBool,
    tasks: TaskTracker,
}

impl Checkpoints {
    pub(super) fn new(connection: DatabaseConnection) -> Self {
        Self(Arc::new(Inner {
            connection,
            n_commits: AtomicUsize::new(0),
            is_under_way: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        }))
    }

    /// Notes that something was committed; after a while that is moved.
    pub(super) fn committed(&self) {
        let number = self.0.n_commits.fetch_add(1, Ordering::Relaxed);
        if number % COMMITS == COMMITS - 1 && !self.0.is_under_way.swap(true, Ordering::AcqRel) {
            let all = self.clone();
            self.0.tasks.spawn(async move {
                if let Err(error) = all.make().await {
                    let error = chain(&error);
                    tracing::warn!(error, "the write-ahead log is not moved into the database");
                }
                all.0.is_under_way.store(false, Ordering::Release);
            });
        }
    }

    /// Moves what can be moved.
    pub(super) async fn make(&self) -> Result<(), DbErr> {
        let n_pages = self.checkpoint("PASSIVE").await?;
        if n_pages >= LONG_PAGES {
            self.checkpoint("RESTART").await?;
        }
        Ok(())
    }

    /// Makes one of this kind, and says how many pages the log has.
    async fn checkpoint(&self, kind: &str) -> Result<i32, DbErr> {
        let pragma = format!("PRAGMA wal_checkpoint({kind})");
        let made = Statement::from_string(DbBackend::Sqlite, pragma);
        let row = self.0.connection.query_one_raw(made).await?;
        row.map_or(Ok(0), |row| row.try_get("", "log"))
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.connection.clone().close().await
    }
}
