//! Grouped commits: on SQLite, writes that wait for each other share one.
//!
//! SQLite has one writer, and what a write costs is the flush of its commit. So writes take turns, each in a savepoint
//! of one transaction, and whoever leaves while nobody waits commits for all:
//!
//! ```text
//! BEGIN ─▶ savepoint, statements ─▶ savepoint, statements, rollback ─▶ … ─▶ COMMIT ─▶ everybody is answered
//!          one write               another, which fails alone
//! ```
//!
//! A commit that fails fails for all of its group, and nobody has been told anything else before. A write behind which
//! nobody waits when it begins stays alone, and does without savepoints.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio_util::task::TaskTracker;

use super::checkpoints::Checkpoints;
use super::trail::Trail;
use crate::error::{Error, Result};

/// Most writes that share a commit: the first of them waits for the last.
const MOST_MEMBERS: usize = 64;

/// Begins the part of the first write of a group.
const FIRST: &str = "SAVEPOINT member";
/// Ends the part of one write and begins that of the next. Fails if SQLite has undone the transaction by itself; a new
/// savepoint alone would begin another one, and those before would be told that they were kept.
const NEXT: &str = "RELEASE member; SAVEPOINT member";
/// Undoes the part of one write.
const UNDO: &str = "ROLLBACK TO member";

/// The one place of the writer.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    writer: DatabaseConnection,
    checkpoints: Checkpoints,
    group: Arc<Mutex<Group>>,
    /// Writes that wait for their turn.
    n_waiting: Arc<AtomicUsize>,
}

/// The writes that will share the next commit.
#[derive(Debug, Default)]
struct Group {
    /// The transaction around them.
    transaction: Option<DatabaseTransaction>,
    /// Whether each is in a savepoint, so that others can follow.
    is_open: bool,
    /// Whether an earlier transaction did not end as it should have.
    is_broken: bool,
    /// Those that are done but for the commit.
    members: Vec<oneshot::Sender<std::result::Result<(), Arc<DbErr>>>>,
    /// What they leave.
    trail: Trail,
}

/// A write whose turn it is.
#[derive(Debug)]
pub(super) struct Turn {
    group: OwnedMutexGuard<Group>,
    checkpoints: Checkpoints,
    n_waiting: Arc<AtomicUsize>,
}

impl Turns {
    /// The turns of a writer's only connection.
    pub(super) fn new(writer: DatabaseConnection, checkpoints: Checkpoints) -> Self {
        Self {
            writer,
            checkpoints,
            group: Arc::default(),
            n_waiting: Arc::default(),
        }
    }

    /// What is done about the write-ahead log.
    pub(super) fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
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
        let is_waited_for = self.n_waiting.load(Ordering::Acquire) > 0;
        match group.admit(&self.writer, is_waited_for).await {
            Ok(()) => Ok(Turn {
                group,
                checkpoints: self.checkpoints.clone(),
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
    /// The transaction, in the write's own part of it.
    pub(super) fn db(&self) -> &DatabaseTransaction {
        let transaction = self.group.transaction.as_ref();
        transaction.expect("it ends with the last turn in it")
    }

    /// Keeps what was written, and answers when it is on the disk.
    pub(super) async fn commit(self, trail: Trail) -> Result<()> {
        let (sender, kept) = oneshot::channel();
        let mut group = self.group;
        group.members.push(sender);
        group.trail.append(trail);
        group.leave(&self.n_waiting).await;
        drop(group);
        let lost = |source: Box<dyn std::error::Error + Send + Sync>| Error::Unavailable {
            what: "the database",
            source,
        };
        match kept.await {
            Ok(Ok(())) => {
                self.checkpoints.committed();
                Ok(())
            }
            Ok(Err(error)) => Err(lost(error.into())),
            Err(_) => Err(lost(
                "another write has broken the transaction of all".into(),
            )),
        }
    }

    /// Undoes what was written. The others of the group lose nothing.
    pub(super) async fn roll_back(self) {
        let mut group = self.group;
        if group.undo().await.is_err() {
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
    /// Begins the part of a write.
    async fn admit(
        &mut self,
        writer: &DatabaseConnection,
        is_waited_for: bool,
    ) -> std::result::Result<(), DbErr> {
        if let Some(transaction) = &self.transaction {
            return run(transaction, NEXT).await;
        }
        if self.is_broken {
            // What SQLite has undone by itself the driver takes for open, and begins no other: only a new connection is
            // known to be in no transaction.
            replace(writer).await?;
            self.is_broken = false;
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = writer.begin_with_options(options).await?;
        self.is_open = is_waited_for;
        if self.is_open {
            run(&transaction, FIRST).await?;
        }
        self.transaction = Some(transaction);
        Ok(())
    }

    /// Undoes the part of the write whose turn it is.
    async fn undo(&mut self) -> std::result::Result<(), DbErr> {
        match self.transaction.take() {
            Some(transaction) if self.is_open => {
                run(self.transaction.insert(transaction), UNDO).await
            }
            Some(transaction) => transaction.rollback().await,
            None => Ok(()),
        }
    }

    /// The write whose turn it was is over. If nobody waits, or enough have waited, all are kept.
    async fn leave(&mut self, n_waiting: &AtomicUsize) {
        let is_waited_for = n_waiting.load(Ordering::Acquire) > 0;
        if self.is_open && is_waited_for && self.members.len() < MOST_MEMBERS {
            return;
        }
        let Some(transaction) = self.transaction.take() else {
            return;
        };
        let trail = mem::take(&mut self.trail);
        let kept = keep(transaction, trail).await.map_err(Arc::new);
        self.is_broken |= kept.is_err();
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
        self.is_broken = true;
    }
}

/// One trail for all: they become visible together.
async fn keep(transaction: DatabaseTransaction, trail: Trail) -> std::result::Result<(), DbErr> {
    trail.write(&transaction).await?;
    transaction.commit().await
}

/// Closes the only connection; the pool opens another.
async fn replace(writer: &DatabaseConnection) -> std::result::Result<(), DbErr> {
    let failed = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(error.into()));
    let pool = writer.get_sqlite_connection_pool();
    let connection = pool.acquire().await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

async fn run(transaction: &DatabaseTransaction, sql: &str) -> std::result::Result<(), DbErr> {
    transaction.execute_unprepared(sql).await.map(drop)
}
