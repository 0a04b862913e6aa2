//! The database: one writer and many readers on SQLite, a pool on PostgreSQL.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
    TransactionOptions, TransactionTrait,
};
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::events::Events;
use checkpoints::{Checkpoints, KEPT_BYTES, MOST_PAGES, WAIT};
use group::Turns;
use replica::Replica;
use tx::{Open, Write};

pub use postgres::{Connections, StartUp};
pub use replica::ReadFrom;
pub use tx::Tx;

mod aside;
mod checkpoints;
mod copy;
#[cfg(any(test, feature = "testing"))]
pub mod faults;
mod group;
#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod plan_tests;
mod postgres;
#[cfg(test)]
mod postgres_tests;
mod replica;
mod room;
mod schema;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;
mod trail;
mod tx;

/// How long a statement waits for SQLite's lock or for a connection of the pool.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections for queries that take long.
const ASIDE: u32 = 2;

/// Statements that a connection to SQLite keeps ready. Rows that are written together have one for each number of them.
const STATEMENTS: usize = 300;

/// Which database.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file, made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL address; may hold a password, so it is never printed.
    Postgres(String),
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => write!(f, "Postgres(…)"),
        }
    }
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was written by a later version of the platform.
    #[error(
        "the database is from a newer version of the platform (it has the change {0}): start that version instead"
    )]
    Newer(String),
    /// It lacks a change that this version needs.
    #[error(
        "the database is from an older version of the platform (it lacks the change {0}): run `hai-platform migrate`"
    )]
    Older(String),
    /// The file cannot be made.
    #[error("the database {} cannot be made", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// Anything else.
    #[error("the database {0:?} cannot be opened")]
    Database(Location, #[source] DbErr),
}

/// The open database.
#[derive(Debug, Clone)]
pub struct Store {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    /// For queries that take long: they wait for each other, and keep no connection from anybody else.
    aside: DatabaseConnection,
    /// What may answer queries too.
    replica: Option<Arc<Replica>>,
    /// For the lease alone, so that it never waits behind anything else; the writer on SQLite.
    lease: DatabaseConnection,
    /// Whose turn it is to write, where only one can.
    turns: Option<Turns>,
    /// Writes that begin or end.
    writes: TaskTracker,
    /// What a test makes fail.
    #[cfg(any(test, feature = "testing"))]
    pub faults: faults::Faults,
}

impl Store {
    /// Opens the database, makes it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// If it cannot be reached or made, or if a newer version of the platform wrote it.
    pub async fn open(location: &Location) -> std::result::Result<Self, OpenError> {
        let (store, start_up) = Self::start(location, &Connections::default()).await?;
        start_up.release().await;
        Ok(store)
    }

    /// The same for a server, which has more to write before it serves: those that start on one PostgreSQL database do
    /// so one after the other, each when the one before has released what comes with its store.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn start(
        location: &Location,
        connections: &Connections,
    ) -> std::result::Result<(Self, StartUp), OpenError> {
        let (store, start_up, _) = Self::changed(location, connections).await?;
        Ok((store, start_up))
    }

    /// Opens a database beside a server that may be running on it: its schema is left as it is.
    ///
    /// # Errors
    /// If it is not there, or its schema is not exactly this version's.
    pub async fn open_existing(location: &Location) -> std::result::Result<Self, OpenError> {
        let failed = |error| OpenError::Database(location.clone(), error);
        let connections = Connections::default();
        let store = Self::connect(location, &connections)
            .await
            .map_err(failed)?;
        let lacking = schema::lacking(&store.writer, location).await?;
        match lacking.into_iter().next() {
            Some(change) => Err(OpenError::Older(change)),
            None => Ok(store),
        }
    }

    async fn connect(
        location: &Location,
        connections: &Connections,
    ) -> std::result::Result<Self, DbErr> {
        match location {
            // Invariant: one connection writes. SQLite has one writer anyway, and a queue in front of it has far better
            // tail latency than its own busy handler.
            Location::Sqlite(path) => {
                let writer = Database::connect(sqlite(path, Use::Writing)).await?;
                let reader = Database::connect(sqlite(path, Use::Reading)).await?;
                let aside = Database::connect(sqlite(path, Use::LongQueries)).await?;
                let checkpoints = Database::connect(sqlite(path, Use::Checkpoints)).await?;
                let turns = Turns::new(writer.clone(), Checkpoints::new(checkpoints));
                Ok(Self {
                    turns: Some(turns),
                    ..Self::of(writer, reader, aside)
                })
            }
            Location::Postgres(url) => {
                let pool = Database::connect(postgres::pool(url, connections)).await?;
                let mut few = postgres::pool(url, connections);
                few.max_connections(ASIDE).connect_lazy(true);
                let aside = Database::connect(few).await?;
                let replica = match &connections.replica {
                    Some(url) => Some(Arc::new(Replica::at(url, connections).await?)),
                    None => None,
                };
                Ok(Self {
                    replica,
                    lease: Database::connect(postgres::for_lease(url)).await?,
                    ..Self::of(pool.clone(), pool, aside)
                })
            }
        }
    }

    fn of(
        writer: DatabaseConnection,
        reader: DatabaseConnection,
        aside: DatabaseConnection,
    ) -> Self {
        Self {
            turns: None,
            lease: writer.clone(),
            writer,
            reader,
            aside,
            replica: None,
            writes: TaskTracker::new(),
            #[cfg(any(test, feature = "testing"))]
            faults: faults::Faults::default(),
        }
    }

    /// For reading; never waits for writers.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For the lease.
    pub(crate) fn lease(&self) -> &DatabaseConnection {
        &self.lease
    }

    /// The time of the database, and the moment at which it was that; `None` on SQLite, which has no time of its own.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn time(&self) -> Result<Option<(DateTime<Utc>, Instant)>> {
        if !self.is_shared() {
            return Ok(None);
        }
        let ask = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp() AS now");
        let asked = Instant::now();
        let row = self.lease.query_one_raw(ask).await?;
        let row = row.ok_or_else(|| Error::internal("the database does not know the time"))?;
        // It was somewhere between question and answer.
        Ok(Some((row.try_get("", "now")?, asked + asked.elapsed() / 2)))
    }

    /// Whether other processes may use it at the same time.
    pub fn is_shared(&self) -> bool {
        self.turns.is_none()
    }

    /// The same database for one query that has just come, to be given up with it: it reads from the replica if that has
    /// everything that was ever answered. Also says which it is, where there is a choice.
    pub async fn for_query(&self) -> (Self, Option<ReadFrom>) {
        let mut store = self.clone();
        let Some(replica) = &self.replica else {
            return (store, None);
        };
        let from = replica.choose(&self.reader).await;
        if from == ReadFrom::Replica {
            store.reader = replica.pool().clone();
        }
        (store, Some(from))
    }

    /// Runs something that writes to its end, whoever stops waiting for it.
    pub(crate) fn spawn(&self, write: impl Future<Output = ()> + Send + 'static) {
        self.writes.spawn(write);
    }

    /// Begins a write. Nothing is kept unless [`Tx::commit`] is called.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database is away.
    pub async fn begin(&self, now: DateTime<Utc>, events: &Events) -> Result<Tx> {
        #[cfg(any(test, feature = "testing"))]
        let loses_answer = self.faults.begin()?;
        // Whoever asks may be dropped at any moment, for example because a client hangs up. A connection to PostgreSQL that
        // is dropped in the middle of BEGIN goes back to the pool with an open transaction that sqlx 0.9 does not know of,
        // and a turn on SQLite is counted on: a task of its own always comes to the end of it, and what nobody takes is
        // rolled back.
        let writer = self.writer.clone();
        let turns = self.turns.clone();
        let writes = self.writes.clone();
        let begun = self.writes.spawn(async move {
            let write = match turns {
                Some(turns) => Write::Turn(turns.next().await?),
                None => Write::Own(
                    writer
                        .begin_with_options(TransactionOptions::default())
                        .await?,
                ),
            };
            Ok::<_, Error>(Open {
                write: Some(write),
                writes,
            })
        });
        Ok(Tx {
            open: begun
                .await
                .map_err(|error| Error::Internal(error.into()))??,
            now,
            events: events.clone(),
            wakes: BTreeSet::new(),
            acts: Vec::new(),
            fence: None,
            #[cfg(any(test, feature = "testing"))]
            loses_answer,
        })
    }

    /// How many connections there are. Does not ask the database.
    pub fn pools(&self) -> Vec<PoolUse> {
        match self.writer.get_database_backend() {
            DbBackend::Sqlite => {
                let of = |name, db: &DatabaseConnection| {
                    let pool = db.get_sqlite_connection_pool();
                    PoolUse::new(name, pool.size(), pool.num_idle())
                };
                vec![of("writer", &self.writer), of("reader", &self.reader)]
            }
            DbBackend::Postgres => {
                let replica = self.replica.as_ref().map(|it| ("replica", it.pool()));
                let pools = [("both", &self.writer)].into_iter().chain(replica);
                let of = |(name, db): (_, &DatabaseConnection)| {
                    let pool = db.get_postgres_connection_pool();
                    PoolUse::new(name, pool.size(), pool.num_idle())
                };
                pools.map(of).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Moves what the write-ahead log has grown to into the database file. Nothing to do on PostgreSQL.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn checkpoint(&self) -> Result<()> {
        match &self.turns {
            Some(turns) => Ok(turns.checkpoints().make().await?),
            None => Ok(()),
        }
    }

    /// Closes all connections.
    pub async fn close(self) {
        self.writes.close();
        self.writes.wait().await;
        let _ = self.lease.close().await;
        if let Some(replica) = &self.replica {
            let _ = replica.pool().clone().close().await;
        }
        let _ = self.aside.close().await;
        if let Some(turns) = &self.turns {
            let _ = turns.checkpoints().close().await;
        }
        let _ = self.reader.close().await;
        let _ = self.writer.close().await;
    }
}

/// The connections of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Whose they are: of the `writer`, of the `reader`, of `both`, or those to the `replica`.
    pub name: &'static str,
    /// All.
    pub size: u32,
    /// Those that nobody uses.
    pub idle: u32,
}

impl PoolUse {
    fn new(name: &'static str, size: u32, idle: usize) -> Self {
        let idle = u32::try_from(idle).unwrap_or(size);
        Self { name, size, idle }
    }
}

/// The file is there and only its owner can read it; SQLite gives its side files the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// What connections to SQLite are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Writing,
    Reading,
    LongQueries,
    Checkpoints,
}

fn sqlite(path: &Path, used_for: Use) -> ConnectOptions {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", path.display()));
    options
        .max_connections(match used_for {
            Use::Writing | Use::Checkpoints => 1,
            Use::Reading => 8,
            Use::LongQueries => ASIDE,
        })
        .acquire_timeout(PATIENCE)
        // A connection to a file does not break while nobody looks: to ask it would double the cost of a small query.
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            let options = options
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                // An acknowledged write survives a power cut.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(PATIENCE)
                .statement_cache_capacity(STATEMENTS);
            match used_for {
                Use::Writing => options
                    .pragma("wal_autocheckpoint", MOST_PAGES.to_string())
                    .pragma("journal_size_limit", KEPT_BYTES.to_string()),
                Use::Checkpoints => options.busy_timeout(WAIT),
                Use::Reading => options.pragma("query_only", "ON"),
                Use::LongQueries => options
                    .pragma("query_only", "ON")
                    .thread_name(|number| format!("{}-{number}", aside::NAME)),
            }
        });
    if used_for == Use::LongQueries {
        aside::favour_less(&mut options);
    }
    options
}

/// One row must have been changed: a compare-and-set that hit none was beaten by somebody else.
///
/// # Errors
/// [`Error::Conflict`] if no row was changed.
pub(crate) fn exactly_one(rows_affected: u64, what: &str) -> Result<()> {
    if rows_affected == 1 {
        Ok(())
    } else {
        Err(Error::Conflict(format!(
            "{what} was changed by somebody else"
        )))
    }
}
