//! Counts that servers share, so that a limit is one for all of them together: in Redis, or in PostgreSQL where there is
//! none, which is slower.
//!
//! They are an addition to what each server counts by itself: whoever asks is never kept waiting, and where no answer comes
//! at once there is none.

mod postgres;
mod redis;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::config::ReconnectPolicy;
use sea_orm::DatabaseConnection;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::redis::Redis;
use crate::store::Store;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(50);
/// For so long nobody asks after an answer did not come.
const REST: Duration = Duration::from_secs(1);
/// How long it is known that something was good.
const GOOD: Duration = Duration::from_secs(24 * 3600);

/// Takes one from a bucket that fills by and by, of which only the moment is kept when it is full again. It is given after how many
/// microseconds there is one more, and how many of them all but one take; answers how many microseconds are to be waited,
/// and takes nothing then. The time is that of who keeps the counts: servers need not agree on theirs.
const TAKE: Script = Script {
    kind: "rate",
    redis: redis::TAKE,
    postgres: postgres::TAKE,
};
/// Counts one more within so many milliseconds, which begin with the first. Answers the count.
const COUNT: Script = Script {
    kind: "failures",
    redis: redis::COUNT,
    postgres: postgres::COUNT,
};
/// Answers how many milliseconds a count stays that has reached a number already.
const WAIT: Script = Script {
    kind: "failures",
    redis: redis::WAIT,
    postgres: postgres::WAIT,
};
/// Notes something for so many milliseconds.
const KEEP: Script = Script {
    kind: "good",
    redis: redis::KEEP,
    postgres: postgres::KEEP,
};
/// Answers 1 if something is noted.
const IS_KEPT: Script = Script {
    kind: "good",
    redis: redis::IS_KEPT,
    postgres: postgres::IS_KEPT,
};

/// One step, in the words of who takes it. It is given numbers, and answers one.
struct Script {
    kind: &'static str,
    redis: &'static str,
    postgres: &'static str,
}

/// Counts of several servers. Copies share the connection.
#[derive(Clone)]
pub struct Counts {
    place: Place,
    /// Until then nobody asks.
    rests_until: Arc<Mutex<Option<Instant>>>,
}

#[derive(Clone)]
enum Place {
    Redis(Client),
    Postgres(DatabaseConnection),
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.place {
            Place::Redis(_) => "Counts(Redis)",
            Place::Postgres(_) => "Counts(PostgreSQL)",
        })
    }
}

impl Counts {
    /// In Redis. Connects, and does so again whenever the connection is lost, until the token is cancelled.
    ///
    /// # Errors
    /// If the address cannot be used at all, whether somebody is there or not.
    pub fn connect(
        redis: &Redis,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let policy = ReconnectPolicy::new_exponential(0, 100, 1000, 2);
        let client = redis.client(Some(policy))?;
        let driver = client.connect();
        let stop = stop.clone();
        tracker.spawn(async move {
            stop.cancelled().await;
            driver.abort();
        });
        Ok(Self::at(Place::Redis(client)))
    }

    /// In the database, if several servers share it.
    pub fn in_database(store: &Store) -> Option<Self> {
        let place = || Place::Postgres(store.reader().clone());
        store.is_shared().then(|| Self::at(place()))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            rests_until: Arc::default(),
        }
    }

    /// Waits until it is connected.
    ///
    /// # Panics
    /// If that cannot be.
    #[cfg(any(test, feature = "testing"))]
    pub async fn connected(&self) {
        if let Place::Redis(client) = &self.place {
            let connected = client.wait_for_connect().await;
            connected.expect("Redis is there");
        }
    }

    /// Takes one from the bucket of somebody, who gets one more after each `every` and may have `burst` at once. Answers
    /// how long to wait if there is none.
    pub async fn take(&self, who: &str, every: Duration, burst: u32) -> Option<Duration> {
        let room = every.saturating_mul(burst.saturating_sub(1));
        let micros = [every, room].map(|time| number(time.as_micros()));
        let micros = self.ask(&TAKE, who, &micros).await?;
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Somebody has failed; it counts for so long after the first time.
    pub async fn failed(&self, who: &str, window: Duration) {
        self.ask(&COUNT, who, &[number(window.as_millis())]).await;
    }

    /// How long somebody has to wait who has failed so often.
    pub async fn wait_after(&self, who: &str, most: u32) -> Option<Duration> {
        let millis = self.ask(&WAIT, who, &[most.into()]).await?;
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// Something was good. What it is cannot be found out from what is kept.
    pub async fn keep_good(&self, what: &str) {
        self.ask(&KEEP, what, &[number(GOOD.as_millis())]).await;
    }

    /// Whether something was good lately; not if it is not known.
    pub async fn was_good(&self, what: &str) -> bool {
        self.ask(&IS_KEPT, what, &[]).await == Some(1)
    }

    /// The answer, if it comes at once.
    async fn ask(&self, script: &Script, about: &str, numbers: &[i64]) -> Option<u64> {
        if self.rests() {
            return None;
        }
        // Names and tokens are keys as something that nobody can turn back.
        let digest = Sha256::digest(format!("{} {about}", script.kind));
        let answer = async {
            match &self.place {
                Place::Redis(client) => redis::ask(client, script, &digest, numbers).await,
                Place::Postgres(db) => postgres::ask(db, script, &digest, numbers).await,
            }
        };
        let error = match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(error)) => error,
            Err(late) => late.to_string(),
        };
        tracing::debug!(error, "each server counts by itself");
        *self.lock() = Some(Instant::now() + REST);
        None
    }

    fn rests(&self) -> bool {
        self.lock().is_some_and(|until| Instant::now() < until)
    }

    /// No step leaves it half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        let rests_until = &self.rests_until;
        rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(number: u128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, TestApp};

    const LONG: Duration = Duration::from_secs(3600);

    /// What two servers have in Redis. They are connected when this returns.
    async fn in_redis(database: u8) -> [Counts; 2] {
        let stop = CancellationToken::new();
        let redis = testing::redis(database);
        let connect = || Counts::connect(&redis, &TaskTracker::new(), &stop).unwrap();
        let servers = [connect(), connect()];
        for server in &servers {
            server.connected().await;
        }
        servers
    }

    /// What two servers have in PostgreSQL; there is only one on SQLite.
    async fn in_postgres(app: &TestApp) -> Option<[Counts; 2]> {
        let one = Counts::in_database(&app.app.store)?;
        let other = Counts::in_database(&app.app.store)?;
        Some([one, other])
    }

    /// A slow machine may have no answer in time.
    async fn answer<T>(ask: impl AsyncFn() -> T, server: &Counts) -> T {
        loop {
            let answer = ask().await;
            let mut rests_until = server.lock();
            if rests_until.take().is_none() {
                return answer;
            }
        }
    }

    #[tokio::test]
    async fn servers_take_from_one_bucket() {
        take_from_one_bucket(&in_redis(4).await).await;
        let app = TestApp::with_nodes(1).await;
        if let Some(servers) = in_postgres(&app).await {
            take_from_one_bucket(&servers).await;
        }
    }

    async fn take_from_one_bucket([one, other]: &[Counts; 2]) {
        let who = format!("bucket of {}", std::process::id());
        for server in [one, other, one] {
            let taken = answer(async || server.take(&who, LONG, 3).await, server).await;
            assert_eq!(taken, None);
        }
        for server in [one, other] {
            let wait = answer(async || server.take(&who, LONG, 3).await, server).await;
            let wait = wait.expect("it is empty");
            assert!(wait <= LONG && wait > LONG / 2, "{wait:?}");
        }
        let somebody_else = answer(async || one.take("else", LONG, 3).await, one).await;
        assert_eq!(somebody_else, None);
    }

    #[tokio::test]
    async fn failures_count_together_and_so_does_what_was_good() {
        count_together(&in_redis(5).await).await;
        let app = TestApp::with_nodes(1).await;
        if let Some(servers) = in_postgres(&app).await {
            count_together(&servers).await;
        }
    }

    async fn count_together([one, other]: &[Counts; 2]) {
        let who = format!("failures of {}", std::process::id());
        for server in [one, other] {
            let wait = answer(async || other.wait_after(&who, 2).await, other).await;
            assert_eq!(wait, None);
            answer(async || server.failed(&who, LONG).await, server).await;
        }
        let wait = answer(async || other.wait_after(&who, 2).await, other).await;
        assert!(wait.is_some_and(|wait| wait <= LONG), "{wait:?}");
        assert!(!answer(async || other.was_good(&who).await, other).await);
        answer(async || one.keep_good(&who).await, one).await;
        assert!(answer(async || other.was_good(&who).await, other).await);
    }

    #[tokio::test]
    async fn what_is_over_counts_no_more() {
        forget(&in_redis(5).await).await;
        let app = TestApp::with_nodes(1).await;
        if let Some(servers) = in_postgres(&app).await {
            forget(&servers).await;
        }
    }

    async fn forget([one, other]: &[Counts; 2]) {
        let who = format!("short {}", std::process::id());
        for server in [one, other, one] {
            let short = Duration::from_micros(1);
            let taken = answer(async || server.take(&who, short, 1).await, server).await;
            assert_eq!(taken, None);
        }
    }

    #[tokio::test]
    async fn without_an_answer_nobody_waits() {
        let nobody = Redis::from_url("redis://127.0.0.1:1").unwrap();
        let stop = CancellationToken::new();
        let counts = Counts::connect(&nobody, &TaskTracker::new(), &stop).unwrap();
        let begun = Instant::now();
        for _ in 0..100 {
            assert_eq!(counts.take("a", LONG, 1).await, None);
        }
        assert!(
            begun.elapsed() < REST,
            "it is asked once and then left alone"
        );
    }
}
