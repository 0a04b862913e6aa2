//! A copy of the database that answers queries, when it has everything that whoever asks can know of.
//!
//! ```text
//! a query comes ─┬─▶ primary: where does the log end now?      L ─┐
//!                └─▶ replica: how far was the log replayed?    R ─┴─ R ≥ L: the replica answers, else the primary
//! ```
//!
//! Invariant: a query sees every write that anybody was told of before the query came, whichever server told him. Both
//! questions are asked after it came, so those writes are before L; and what is replayed stays so. Nothing is remembered
//! about who wrote what, so it does not matter which server writes and which one reads, and clients take no part in it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join;
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, FromQueryResult, Statement,
};
use tokio::time::{Instant, sleep, timeout};

use super::Connections;
use super::postgres::pool;

/// Where the log of the primary ends: an answered commit is flushed, unless it was not to be waited for.
const END: &str = "SELECT
    (SELECT system_identifier FROM pg_control_system()) AS system,
    (CASE current_setting('synchronous_commit')
        WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::bigint AS place";

/// How far a replica has come; nowhere if it is one no more.
const REPLAYED: &str = "SELECT
    (SELECT system_identifier FROM pg_control_system()) AS system,
    CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint END AS place";

/// How long the replica may take to say how far it has come: longer than that, and it is not there.
const ANSWER: Duration = Duration::from_millis(250);

/// What a replica that follows closely still lacks it has after one of these.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(4),
];

/// Bytes of the log that no pause makes up for.
const FAR: i64 = 1 << 20;

/// How long nobody asks a replica that was behind, or not there.
const REST_BEHIND: Duration = Duration::from_millis(50);
const REST_AWAY: Duration = Duration::from_secs(1);

/// Who answers a query, where there is a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// The replica: it has everything.
    Replica,
    /// The primary, because the replica lacks something.
    PrimaryAsBehind,
    /// The primary, because the replica does not answer, or is no copy of it.
    PrimaryAsAway,
}

/// The replica.
#[derive(Debug)]
pub(super) struct Replica {
    pool: DatabaseConnection,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until then it is not asked.
    rests_until: Option<Instant>,
    /// What it was the last time, if that was known.
    last: Option<ReadFrom>,
}

#[derive(Debug, Clone, Copy, FromQueryResult)]
struct Position {
    /// Number of the database cluster: a copy has that of its original.
    system: i64,
    place: Option<i64>,
}

impl Replica {
    /// The one at this address. It need not be there.
    pub(super) async fn at(url: &str, connections: &Connections) -> Result<Self, DbErr> {
        let mut options = pool(url, connections);
        options.connect_lazy(true);
        Ok(Self {
            pool: Database::connect(options).await?,
            state: Mutex::default(),
        })
    }

    /// Its connections.
    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Who answers a query that has just come.
    pub(super) async fn choose(&self, primary: &DatabaseConnection) -> ReadFrom {
        if let Some(known) = self.resting() {
            return known;
        }
        let chosen = self.look(primary).await;
        self.note(chosen);
        chosen
    }

    /// What it was a moment ago, if it is better not asked again yet. After that, one query asks for all.
    fn resting(&self) -> Option<ReadFrom> {
        let mut state = self.state();
        let last = state.last.filter(|last| *last != ReadFrom::Replica)?;
        let now = Instant::now();
        if state.rests_until.is_some_and(|until| now < until) {
            return Some(last);
        }
        state.rests_until = Some(now + rest(last));
        None
    }

    async fn look(&self, primary: &DatabaseConnection) -> ReadFrom {
        let (end, mut replayed) = join(position(primary, END), self.replayed()).await;
        // A primary that is away says so itself to whoever reads.
        let Some((system, end)) = end else {
            return ReadFrom::PrimaryAsAway;
        };
        for pause in PAUSES {
            match replayed {
                Some((of, place)) if of == system && place >= end => return ReadFrom::Replica,
                Some((of, place)) if of == system && end - place < FAR => {}
                Some((of, _)) if of == system => return ReadFrom::PrimaryAsBehind,
                Some(_) | None => return ReadFrom::PrimaryAsAway,
            }
            sleep(pause).await;
            replayed = self.replayed().await;
        }
        match replayed {
            Some((of, place)) if of == system && place >= end => ReadFrom::Replica,
            Some((of, _)) if of == system => ReadFrom::PrimaryAsBehind,
            Some(_) | None => ReadFrom::PrimaryAsAway,
        }
    }

    async fn replayed(&self) -> Option<(i64, i64)> {
        let answer = timeout(ANSWER, position(&self.pool, REPLAYED)).await;
        answer.ok().flatten()
    }

    /// Remembers what it was, and tells when that is news.
    fn note(&self, now: ReadFrom) {
        let mut state = self.state();
        let before = state.last.replace(now);
        state.rests_until = Some(Instant::now() + rest(now));
        drop(state);
        let was_away = before == Some(ReadFrom::PrimaryAsAway);
        match now {
            ReadFrom::PrimaryAsAway if !was_away => {
                tracing::warn!(
                    "the replica does not answer, or is no copy of the database: the primary answers all queries"
                );
            }
            ReadFrom::Replica | ReadFrom::PrimaryAsBehind if was_away => {
                tracing::info!("the replica is there again");
            }
            ReadFrom::Replica | ReadFrom::PrimaryAsBehind | ReadFrom::PrimaryAsAway => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rest(after: ReadFrom) -> Duration {
    match after {
        ReadFrom::Replica => Duration::ZERO,
        ReadFrom::PrimaryAsBehind => REST_BEHIND,
        ReadFrom::PrimaryAsAway => REST_AWAY,
    }
}

/// Which cluster it is, and a place in its log; absent if it does not say.
async fn position(db: &DatabaseConnection, query: &str) -> Option<(i64, i64)> {
    let query = Statement::from_string(DbBackend::Postgres, query);
    let row = db.query_one_raw(query).await.ok()??;
    let position = Position::from_query_result(&row, "").ok()?;
    Some((position.system, position.place?))
}
