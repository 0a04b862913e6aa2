//! Slows down whoever guesses tokens. An address from which many tokens were wrong has to wait, except with tokens that
//! were good before: people behind the same address go on.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Error, Result};
use tokio::time::Instant;

/// So many wrong tokens may come from an address within [`WINDOW`].
const MOST_FAILURES: u32 = 20;
/// How long wrong tokens count, and how long their address has to wait.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses, and good tokens, that are remembered.
const MOST_REMEMBERED: usize = 10_000;

/// The sign-ins of this server.
#[derive(Debug, Default)]
pub(crate) struct Logins {
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
    /// Whether a token from there may be looked up.
    ///
    /// # Errors
    /// [`Error::RateLimited`] says how long to wait.
    pub(crate) fn check(&self, address: &str, token: &str) -> Result<()> {
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
    pub(crate) fn succeeded(&self, token: &str) {
        let token = self.hasher.hash_one(token);
        let mut state = self.lock();
        if state.good.len() >= MOST_REMEMBERED {
            state.good.clear();
        }
        state.good.insert(token);
    }

    /// The token was wrong. Requests whose address is not known are not counted.
    pub(crate) fn failed(&self, address: &str) {
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

    /// No step leaves it half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_with_many_wrong_tokens_waits_and_no_other_does() {
        let logins = Logins::default();
        for _ in 0..MOST_FAILURES {
            assert!(logins.check("10.0.0.1", "wrong").is_ok());
            logins.failed("10.0.0.1");
        }
        advance(WINDOW / 4).await;
        let refused = logins.check("10.0.0.1", "wrong");
        let Err(Error::RateLimited { retry_after }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(retry_after, WINDOW * 3 / 4);
        assert!(logins.check("10.0.0.2", "wrong").is_ok());
        advance(retry_after).await;
        assert!(logins.check("10.0.0.1", "wrong").is_ok());
        logins.failed("10.0.0.1");
        assert!(logins.check("10.0.0.1", "wrong").is_ok(), "counted anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_good_before_goes_on_beside_one_who_guesses() {
        let logins = Logins::default();
        logins.succeeded("good");
        for _ in 0..MOST_FAILURES {
            logins.failed("10.0.0.1");
        }
        assert!(logins.check("10.0.0.1", "good").is_ok());
        assert!(logins.check("10.0.0.1", "other").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_a_bound() {
        let logins = Logins::default();
        for number in 0..3 * MOST_REMEMBERED {
            logins.failed(&number.to_string());
            logins.succeeded(&number.to_string());
        }
        let state = logins.lock();
        assert!(state.failures.len() <= MOST_REMEMBERED && state.good.len() <= MOST_REMEMBERED);
    }

    #[test]
    fn requests_from_nowhere_are_not_counted() {
        let logins = Logins::default();
        for _ in 0..=MOST_FAILURES {
            logins.failed("");
        }
        assert!(logins.check("", "wrong").is_ok());
    }
}
