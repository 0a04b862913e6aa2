//! Slows down whoever guesses tokens. An address from which many tokens were wrong has to wait, except with tokens that
//! were good before: people behind the same address go on. Several servers count together.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::counts::Counts;
use domain::{Error, Result};
use tokio::time::Instant;

/// So many wrong tokens may come from an address within [`WINDOW`].
const MOST_FAILURES: u32 = 20;
/// How long wrong tokens count, and how long their address has to wait.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses, and good tokens, that are remembered.
const MOST_REMEMBERED: usize = 10_000;

/// The sign-ins.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    /// What all servers count together.
    counts: Option<Counts>,
    state: Mutex<State>,
    /// Tokens are remembered as something that nobody can turn back.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct State {
    failures: HashMap<String, Failures>,
    good: HashSet<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: Instant,
}

impl Failures {
    fn left(&self) -> Option<Duration> {
        let left = WINDOW.checked_sub(self.since.elapsed())?;
        (!left.is_zero()).then_some(left)
    }
}

impl Logins {
    /// Nobody has tried yet.
    pub(crate) fn new(counts: Option<Counts>) -> Self {
        Self {
            counts,
            ..Self::default()
        }
    }

    /// Whether a token from there may be looked up. Where nobody answers at once, what this server knows counts.
    ///
    /// # Errors
    /// [`Error::RateLimited`] says how long to wait.
    pub(crate) async fn check(&self, address: &str, token: &str) -> Result<()> {
        let here = self.check_here(address, token);
        let Some(counts) = &self.counts else {
            return here;
        };
        if address.is_empty() || self.is_good(token) {
            return here;
        }
        let all = match &here {
            Ok(()) => counts.wait_after(address, MOST_FAILURES).await,
            Err(_) => None,
        };
        let all = all.map_or(here, |retry_after| Err(Error::RateLimited { retry_after }));
        match all {
            Err(_) if counts.was_good(token).await => Ok(()),
            all => all,
        }
    }

    /// The same as far as this server knows.
    ///
    /// # Errors
    /// [`Error::RateLimited`] says how long to wait.
    pub(crate) fn check_here(&self, address: &str, token: &str) -> Result<()> {
        let state = self.lock();
        let failures = state.failures.get(address);
        let wait = failures.filter(|failures| failures.count >= MOST_FAILURES);
        match wait.and_then(Failures::left) {
            Some(retry_after) if !state.good.contains(&self.hasher.hash_one(token)) => {
                Err(Error::RateLimited { retry_after })
            }
            _ => Ok(()),
        }
    }

    /// The token was good.
    pub(crate) async fn succeeded(&self, token: &str) {
        if self.is_new_and_good(token)
            && let Some(counts) = &self.counts
        {
            counts.keep_good(token).await;
        }
    }

    /// The token was wrong. Requests whose address is not known are not counted.
    pub(crate) async fn failed(&self, address: &str) {
        self.failed_here(address);
        if let Some(counts) = &self.counts
            && !address.is_empty()
        {
            counts.failed(address, WINDOW).await;
        }
    }

    /// The same, and nobody else is told.
    pub(crate) fn failed_here(&self, address: &str) {
        if address.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.failures.len() >= MOST_REMEMBERED {
            state
                .failures
                .retain(|_, failures| failures.left().is_some());
        }
        if state.failures.len() >= MOST_REMEMBERED {
            // So many attackers at once are not met by remembering them.
            state.failures.clear();
        }
        let new = Failures {
            count: 0,
            since: Instant::now(),
        };
        let failures = state.failures.entry(address.to_owned()).or_insert(new);
        if failures.left().is_none() {
            *failures = new;
        }
        failures.count += 1;
    }

    fn is_good(&self, token: &str) -> bool {
        let token = self.hasher.hash_one(token);
        self.lock().good.contains(&token)
    }

    /// Notes that a token is good, and answers whether that is news.
    fn is_new_and_good(&self, token: &str) -> bool {
        let token = self.hasher.hash_one(token);
        let mut state = self.lock();
        if state.good.len() >= MOST_REMEMBERED {
            state.good.clear();
        }
        state.good.insert(token)
    }

    /// No step leaves it half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_with_many_wrong_tokens_waits_and_no_other_does() {
        let logins = Logins::default();
        for _ in 0..MOST_FAILURES {
            assert!(logins.check("10.0.0.1", "wrong").await.is_ok());
            logins.failed("10.0.0.1").await;
        }
        advance(WINDOW / 4).await;
        let refused = logins.check("10.0.0.1", "wrong").await;
        let Err(Error::RateLimited { retry_after }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(retry_after, WINDOW * 3 / 4);
        assert!(logins.check("10.0.0.2", "wrong").await.is_ok());
        advance(retry_after).await;
        assert!(logins.check("10.0.0.1", "wrong").await.is_ok());
        logins.failed("10.0.0.1").await;
        assert!(
            logins.check("10.0.0.1", "wrong").await.is_ok(),
            "counted anew"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_good_before_goes_on_beside_one_who_guesses() {
        let logins = Logins::default();
        logins.succeeded("good").await;
        for _ in 0..MOST_FAILURES {
            logins.failed("10.0.0.1").await;
        }
        assert!(logins.check("10.0.0.1", "good").await.is_ok());
        assert!(logins.check("10.0.0.1", "other").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_a_bound() {
        let logins = Logins::default();
        for number in 0..3 * MOST_REMEMBERED {
            logins.failed(&number.to_string()).await;
            logins.succeeded(&number.to_string()).await;
        }
        let state = logins.lock();
        assert!(state.failures.len() <= MOST_REMEMBERED && state.good.len() <= MOST_REMEMBERED);
    }

    #[tokio::test]
    async fn requests_from_nowhere_are_not_counted() {
        let logins = Logins::default();
        for _ in 0..=MOST_FAILURES {
            logins.failed("").await;
        }
        assert!(logins.check("", "wrong").await.is_ok());
    }

    #[tokio::test]
    async fn servers_with_a_redis_count_what_is_wrong_together() {
        let redis = domain::testing::redis(7);
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let server = async || {
            let counts = Counts::connect(&redis, &tracker, &stop).unwrap();
            counts.connected().await;
            Logins::new(Some(counts))
        };
        let servers = [server().await, server().await];
        let address = format!("address of {}", std::process::id());
        servers[0].succeeded("good").await;
        // Each alone would let more through; an answer that comes too late on a slow machine is made up for.
        for server in servers.iter().cycle().take(30) {
            assert!(server.check_here(&address, "wrong").is_ok());
            server.failed(&address).await;
        }
        for server in &servers {
            let refused = server.check(&address, "wrong").await;
            assert!(
                matches!(refused, Err(Error::RateLimited { .. })),
                "{refused:?}"
            );
            assert!(server.check(&address, "good").await.is_ok());
            assert!(server.check("10.0.0.9", "wrong").await.is_ok());
        }
    }
}
