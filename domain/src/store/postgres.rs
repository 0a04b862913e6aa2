//! Connections to PostgreSQL: what each is told when it begins, and the lock under which a start writes.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use sea_orm::{ConnectOptions, DatabaseConnection, DbErr, RuntimeErr};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};

use super::Location;

/// A connection that answered so short a time ago is taken to be there.
const FRESH: Duration = Duration::from_secs(1);

/// How long somebody waits for a connection. Whoever waits for a server that is away tries again more and more rarely, up to
/// a fifth of this: that much later than it is back.
const ACQUIRE: Duration = Duration::from_secs(4);

/// How long a statement waits for the locks of others.
const LOCKS: Duration = Duration::from_secs(10);

/// How long a transaction may do nothing. Whoever is cut off in the middle of one keeps others away from what it has
/// touched, the next leader too, which must go on within three seconds.
const IDLE: Duration = Duration::from_millis(1500);

/// How long a start waits for the starts of others.
const LONGEST_START: Duration = Duration::from_secs(3600);

/// The advisory lock of whoever starts. Such a lock belongs to one database, so that one number is enough.
const START_UP: i64 = 0x6861_6973_7461_7274;

/// How the server notices that our machine is gone. Without it, what a dead machine had locked stays locked for hours.
const KEEPALIVES: [(&str, &str); 4] = [
    ("tcp_user_timeout", "5000"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

/// How PostgreSQL is used; SQLite knows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Connections {
    /// Most connections that are open at once.
    pub most: NonZeroU32,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// Address of a copy of the database that may answer queries; may hold a password, so it is never printed.
    pub replica: Option<String>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            most: NonZeroU32::MIN.saturating_add(15),
            statement_timeout: Duration::from_secs(30),
            replica: None,
        }
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections")
            .field("most", &self.most)
            .field("statement_timeout", &self.statement_timeout)
            .field("replica", &self.replica.as_ref().map(|_| "…"))
            .finish()
    }
}

/// How to connect to a pool of them; whether at once is the caller's choice.
pub(super) fn pool(url: &str, connections: &Connections) -> ConnectOptions {
    let timeout = connections.statement_timeout;
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections.most.get())
        .acquire_timeout(ACQUIRE)
        // To ask a connection each time whether it is still there costs as much as a small query. What
        // is asked of one that broke a moment ago fails as unavailable, and it is closed.
        .test_before_acquire_if_idle_for(FRESH)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |options| told(options, timeout, LOCKS, IDLE));
    options
}

/// How to connect for the lease and the time, once that is needed: two connections of their own, which are never busy
/// with anything that takes long.
pub(super) fn for_lease(url: &str) -> ConnectOptions {
    // Longer than somebody who is cut off can keep the row.
    let soon = IDLE + Duration::from_secs(1);
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(2)
        .connect_lazy(true)
        .acquire_timeout(soon)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |options| told(options, soon, soon, IDLE));
    options
}

/// What the server is told at the beginning of a connection.
fn told(
    options: PgConnectOptions,
    statement: Duration,
    lock: Duration,
    idle: Duration,
) -> PgConnectOptions {
    options
        .application_name("hai-platform")
        .options([
            ("statement_timeout", statement.as_millis()),
            ("lock_timeout", lock.as_millis()),
            ("idle_in_transaction_session_timeout", idle.as_millis()),
        ])
        .options(KEEPALIVES)
}

/// Held while a start writes: the others wait. Given back when it is released, dropped, or lost with its connection.
#[derive(Debug)]
pub struct StartUp {
    /// Absent on SQLite, whose writers wait for each other anyway.
    held: Option<DatabaseConnection>,
}

impl StartUp {
    /// Waits until nobody else starts.
    pub(super) async fn wait(location: &Location) -> Result<Self, DbErr> {
        let Location::Postgres(url) = location else {
            return Ok(Self { held: None });
        };
        let failed = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(error.into()));
        let options = PgConnectOptions::from_str(url).map_err(failed)?;
        // To change a large table takes as long as it takes.
        let options = told(options, Duration::ZERO, Duration::ZERO, LOCKS);
        // Invariant: there is one connection, and it has the lock. One that breaks is replaced by one that has it too.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(LONGEST_START)
            .after_connect(|connection, _| Box::pin(take_lock(connection)));
        let pool = pool.connect_with(options).await.map_err(failed)?;
        Ok(Self {
            held: Some(pool.into()),
        })
    }

    /// The connection that has the lock.
    pub(super) fn connection(&self) -> Option<&DatabaseConnection> {
        self.held.as_ref()
    }

    /// Lets the others start.
    pub async fn release(self) {
        if let Some(connection) = self.held {
            // The lock goes with the connection, however it ends.
            let _ = connection.close().await;
        }
    }
}

async fn take_lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let free = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(START_UP);
    let is_ours: bool = free.fetch_one(&mut *connection).await?;
    if !is_ours {
        tracing::info!("another server starts on this database: waiting for it");
        let wait = sqlx::query("SELECT pg_advisory_lock($1)").bind(START_UP);
        wait.execute(&mut *connection).await?;
    }
    // A change of a table that waits behind somebody keeps everybody else from it.
    let limit = sqlx::query("SELECT set_config('lock_timeout', $1, false)");
    limit
        .bind(LOCKS.as_millis().to_string())
        .execute(connection)
        .await
        .map(drop)
}
