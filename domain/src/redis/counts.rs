//! Counts that servers share, so that a limit is one for all of them together.
//!
//! They are an addition to what each server counts by itself: whoever asks is never kept waiting, and where Redis gives no
//! answer at once there is none.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::config::{Options, ReconnectPolicy};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Redis;
use crate::auth::hex;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(50);
/// For so long nobody asks after an answer did not come.
const REST: Duration = Duration::from_secs(1);
/// How long it is known that something was good.
const GOOD: Duration = Duration::from_secs(24 * 3600);

/// Takes one from a bucket that fills by and by, of which only the moment is kept when it is full again. Answers how many
/// microseconds are to be waited, and takes nothing then. The time is that of Redis: servers need not agree on theirs.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local every, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
if full_at - now > room then return math.ceil(full_at - now - room) end
full_at = full_at + every
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0";

/// Counts one more within a while that begins with the first.
const COUNT: &str = "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count";

/// How many milliseconds a count stays that is too high already.
const WAIT: &str = "
if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then return 0 end
return math.max(redis.call('PTTL', KEYS[1]), 0)";

const KEEP: &str = "redis.call('SET', KEYS[1], '', 'PX', ARGV[1]) return 1";

const IS_KEPT: &str = "return redis.call('EXISTS', KEYS[1])";

/// Counts in Redis. Copies share the connection.
#[derive(Clone)]
pub struct Counts {
    client: Client,
    /// Until then nobody asks.
    rests_until: Arc<Mutex<Option<Instant>>>,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counts(…)")
    }
}

impl Counts {
    /// Connects, and does so again whenever the connection is lost, until the token is cancelled.
    ///
    /// # Errors
    /// If the address cannot be used at all, whether somebody is there or not.
    pub fn connect(
        redis: &Redis,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let policy = ReconnectPolicy::new_exponential(0, 100, 5000, 2);
        let client = redis.client(Some(policy))?;
        let driver = client.connect();
        let stop = stop.clone();
        tracker.spawn(async move {
            stop.cancelled().await;
            driver.abort();
        });
        Ok(Self {
            client,
            rests_until: Arc::default(),
        })
    }

    /// Waits until it is connected.
    ///
    /// # Panics
    /// If that cannot be.
    #[cfg(any(test, feature = "testing"))]
    pub async fn connected(&self) {
        let connected = self.client.wait_for_connect().await;
        connected.expect("Redis is there");
    }

    /// Takes one from the bucket of somebody, who gets one more after each `every` and may have `burst` at once. Answers
    /// how long to wait if there is none.
    pub async fn take(&self, who: &str, every: Duration, burst: u32) -> Option<Duration> {
        let room = every.saturating_mul(burst.saturating_sub(1));
        let arguments = [every, room].map(|time| time.as_micros().to_string());
        let micros = self.ask(TAKE, key("rate", who), arguments.to_vec()).await?;
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Somebody has failed; it counts for so long after the first time.
    pub async fn failed(&self, who: &str, window: Duration) {
        let arguments = vec![window.as_millis().to_string()];
        self.ask(COUNT, key("failures", who), arguments).await;
    }

    /// How long somebody has to wait who has failed so often.
    pub async fn wait_after(&self, who: &str, most: u32) -> Option<Duration> {
        let arguments = vec![most.to_string()];
        let millis = self.ask(WAIT, key("failures", who), arguments).await?;
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// Something was good. What it is cannot be found out from what is kept.
    pub async fn keep_good(&self, what: &str) {
        let arguments = vec![GOOD.as_millis().to_string()];
        self.ask(KEEP, key("good", what), arguments).await;
    }

    /// Whether something was good lately; not if it is not known.
    pub async fn was_good(&self, what: &str) -> bool {
        let kept = self.ask(IS_KEPT, key("good", what), Vec::new()).await;
        kept == Some(1)
    }

    /// The answer, if it comes at once.
    async fn ask(&self, script: &str, key: String, arguments: Vec<String>) -> Option<u64> {
        // What is asked of a client that is not connected waits in it until it is.
        if self.rests() || !self.client.is_connected() {
            return None;
        }
        let at_once = Options {
            fail_fast: true,
            max_attempts: Some(1),
            ..Options::default()
        };
        let client = self.client.with_options(&at_once);
        let error = match timeout(PATIENCE, client.eval(script, key, arguments)).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
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

/// Names and tokens are keys as something that nobody can turn back.
fn key(kind: &str, of: &str) -> String {
    format!("hai:{kind}:{}", hex(&Sha256::digest(of)[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const LONG: Duration = Duration::from_secs(3600);

    /// What two servers have. They are connected when this returns.
    async fn two_servers(database: u8) -> [Counts; 2] {
        let stop = CancellationToken::new();
        let redis = testing::redis(database);
        let connect = || Counts::connect(&redis, &TaskTracker::new(), &stop).unwrap();
        let servers = [connect(), connect()];
        for server in &servers {
            server.connected().await;
        }
        servers
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
        let [one, other] = two_servers(4).await;
        let who = format!("bucket of {}", std::process::id());
        for server in [&one, &other, &one] {
            let taken = answer(async || server.take(&who, LONG, 3).await, server).await;
            assert_eq!(taken, None);
        }
        for server in [&one, &other] {
            let wait = answer(async || server.take(&who, LONG, 3).await, server).await;
            let wait = wait.expect("it is empty");
            assert!(wait <= LONG && wait > LONG / 2, "{wait:?}");
        }
        let somebody_else = answer(async || one.take("else", LONG, 3).await, &one).await;
        assert_eq!(somebody_else, None);
    }

    #[tokio::test]
    async fn failures_count_together_and_so_does_what_was_good() {
        let [one, other] = two_servers(5).await;
        let who = format!("failures of {}", std::process::id());
        for server in [&one, &other] {
            let wait = answer(async || other.wait_after(&who, 2).await, &other).await;
            assert_eq!(wait, None);
            answer(async || server.failed(&who, LONG).await, server).await;
        }
        let wait = answer(async || other.wait_after(&who, 2).await, &other).await;
        assert!(wait.is_some_and(|wait| wait <= LONG), "{wait:?}");
        assert!(!answer(async || other.was_good(&who).await, &other).await);
        answer(async || one.keep_good(&who).await, &one).await;
        assert!(answer(async || other.was_good(&who).await, &other).await);
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
