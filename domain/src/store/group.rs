//! Grouped commits: on SQLite, writes that wait for each other share one.
//!
//! SQLite has one writer, and what a write costs is the flush of its commit. So writes take turns, each in a savepoint
//! of one transaction, and whoever leaves while nobody waits commits for all:
//!
//! ```text
//! BEGIN ─▶ savepoint, statements, release ─▶ savepoint, statements, rollback ─▶ … ─▶ COMMIT ─▶ everybody is answered
//!          one write                         another, which fails alone
//! ```
//!
//! A commit that fails fails for all of its group, and nobody has been told anything else before.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio_util::task::TaskTracker;

use super::trail::Trail;
use crate::error::{Error, Result};

/// Most writes that share a commit: the first of them waits for the last.
const MOST_MEMBERS: usize = 64;

/// The one place of the writer.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    writer: DatabaseConnection,
    group: Arc<Mutex<Group>>,
    /// Writes that wait for their turn.
    n_waiting: Arc<AtomicUsize>,
}

/// The writes that will share the next commit.
#[derive(Debug, Default)]
struct Group {
    /// The transaction around them.
    transaction: Option<DatabaseTransaction>,
    /// Those that are done but for the commit.
    members: Vec<oneshot::Sender<std::result::Result<(), Arc<DbErr>>>>,
    /// What they leave.
    trail: Trail,
}

/// A write whose turn it is.
#[derive(Debug)]
pub(super) struct Turn {
    savepoint: DatabaseTransaction,
    group: OwnedMutexGuard<Group>,
    n_waiting: Arc<AtomicUsize>,
}

impl Turns {
    /// The turns of a writer's only connection.
    pub(super) fn new(writer: DatabaseConnection) -> Self {
        Self {
            writer,
            group: Arc::default(),
            n_waiting: Arc::default(),
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn n_waiting(&self) -> usize {
        self.n_waiting.load(Ordering::Acquire)
    }

    /// Waits for a turn. Must come to its end: who waits is counted on.
    pub(super) async fn next(&self) -> Result<Turn> {
        self.n_waiting.fetch_add(1, Ordering::AcqRel);
        let mut group = Arc::clone(&self.group).lock_owned().await;
        self.n_waiting.fetch_sub(1, Ordering::AcqRel);
        let begun = group.savepoint(&self.writer).await;
        match begun {
            Ok(savepoint) => Ok(Turn {
                savepoint,
                group,
                n_waiting: Arc::clone(&self.n_waiting),
            }),
            Err(error) => {
                group.give_up();
                Err(error.into())
            }
        }
    }
}

impl Turn {
    /// The write's own part of the transaction.
    pub(super) fn db(&self) -> &DatabaseTransaction {
        &self.savepoint
    }

    /// Keeps what was written, and answers when it is on the disk.
    pub(super) async fn commit(self, trail: Trail) -> Result<()> {
        let (sender, kept) = oneshot::channel();
        let mut group = self.group;
        if let Err(error) = self.savepoint.commit().await {
            group.give_up();
            return Err(error.into());
        }
        group.members.push(sender);
        group.trail.append(trail);
        group.leave(&self.n_waiting).await;
        drop(group);
        let lost = |source: Box<dyn std::error::Error + Send + Sync>| Error::Unavailable {
            what: "the database",
            source,
        };
        match kept.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(lost(error.into())),
            Err(_) => Err(lost(
                "another write has broken the transaction of all".into(),
            )),
        }
    }

    /// Undoes what was written. The others of the group lose nothing.
    async fn roll_back(self) {
        let mut group = self.group;
        if self.savepoint.rollback().await.is_err() {
            return group.give_up();
        }
        group.leave(&self.n_waiting).await;
    }

    /// The same, later: whoever gives up a write cannot wait.
    pub(super) fn abandon(self, tracker: &TaskTracker) {
        // Without a runtime the process is ending. The connection is closed with the group, which undoes everything.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            tracker.spawn_on(self.roll_back(), &runtime);
        }
    }
}

impl Group {
    async fn savepoint(
        &mut self,
        writer: &DatabaseConnection,
    ) -> std::result::Result<DatabaseTransaction, DbErr> {
        let transaction = match self.transaction.take() {
            Some(transaction) => transaction,
            None => {
                let options = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                writer.begin_with_options(options).await?
            }
        };
        let transaction = self.transaction.insert(transaction);
        transaction
            .begin_with_options(TransactionOptions::default())
            .await
    }

    /// The write whose turn it was is over. If nobody waits, or enough have waited, all are kept.
    async fn leave(&mut self, n_waiting: &AtomicUsize) {
        if n_waiting.load(Ordering::Acquire) > 0 && self.members.len() < MOST_MEMBERS {
            return;
        }
        let Some(transaction) = self.transaction.take() else {
            return;
        };
        let trail = mem::take(&mut self.trail);
        let kept = keep(transaction, trail).await.map_err(Arc::new);
        for member in mem::take(&mut self.members) {
            // One that is no longer waited for is kept all the same.
            let _ = member.send(kept.clone());
        }
    }

    /// The transaction cannot be gone on with: nobody's write is kept, and everybody hears so.
    fn give_up(&mut self) {
        self.transaction = None;
        self.members.clear();
        self.trail = Trail::default();
    }
}

/// One trail for all: they become visible together.
async fn keep(transaction: DatabaseTransaction, trail: Trail) -> std::result::Result<(), DbErr> {
    trail.write(&transaction).await?;
    transaction.commit().await
}
