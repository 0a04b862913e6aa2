//! How often one token asks. Each has a bucket that fills by and by and from which every operation takes one: of it only
//! the moment is kept when it is full again. Several servers share a second bucket of the same size.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use domain::counts::Counts;
use domain::{Error, Result};
use tokio::time::Instant;

use crate::config::Rate;

/// Buckets that are remembered; those that are full are not.
const MOST_REMEMBERED: usize = 10_000;

/// How often tokens ask.
#[derive(Debug)]
pub(crate) struct Rates {
    rate: Option<Rate>,
    /// What all servers count together.
    counts: Option<Counts>,
    /// When each bucket is full again. Tokens are remembered as something that nobody can turn back.
    full_at: Mutex<HashMap<u64, Instant>>,
    hasher: RandomState,
}

impl Rates {
    /// Nobody has asked yet.
    pub(crate) fn new(rate: Option<Rate>, counts: Option<Counts>) -> Self {
        Self {
            rate,
            counts,
            full_at: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// Takes one from the buckets of a token. Where the others' does not answer at once, that of this server alone counts.
    ///
    /// # Errors
    /// [`Error::RateLimited`] says how long to wait.
    pub(crate) async fn take(&self, token: &str) -> Result<()> {
        let Some(rate) = self.rate else {
            return Ok(());
        };
        self.take_here(token, rate)?;
        let Some(counts) = &self.counts else {
            return Ok(());
        };
        match counts.take(token, rate.every, rate.burst.get()).await {
            Some(retry_after) => Err(Error::RateLimited { retry_after }),
            None => Ok(()),
        }
    }

    fn take_here(&self, token: &str, Rate { every, burst }: Rate) -> Result<()> {
        let now = Instant::now();
        // There is one to take while no more than all others are missing.
        let room = every * (burst.get() - 1);
        let token = self.hasher.hash_one(token);
        // No step leaves it half changed, so a panic elsewhere does not matter.
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_REMEMBERED && !full_at.contains_key(&token) {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= MOST_REMEMBERED {
                // So many at once are more than the server can answer anyway.
                full_at.clear();
            }
        }
        let at = full_at.entry(token).or_insert(now);
        let missing = at.saturating_duration_since(now);
        if let Some(retry_after) = missing.checked_sub(room).filter(|wait| !wait.is_zero()) {
            return Err(Error::RateLimited { retry_after });
        }
        *at = (*at).max(now) + every;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use tokio::time::advance;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;

    fn rates(every: Duration, burst: u32) -> Rates {
        let burst = NonZeroU32::new(burst).unwrap();
        Rates::new(Some(Rate { every, burst }), None)
    }

    async fn n_taken(rates: &Rates, token: &str) -> usize {
        let mut n_taken = 0;
        while n_taken < 100 && rates.take(token).await.is_ok() {
            n_taken += 1;
        }
        n_taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_asks_as_often_as_its_bucket_fills_and_no_other_waits_for_it() {
        let rates = rates(Duration::from_millis(100), 5);
        assert_eq!(n_taken(&rates, "a").await, 5);
        let refused = rates.take("a").await;
        let Err(Error::RateLimited { retry_after }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(retry_after, Duration::from_millis(100));
        assert_eq!(n_taken(&rates, "b").await, 5);
        advance(retry_after).await;
        assert_eq!(n_taken(&rates, "a").await, 1);
        advance(Duration::from_millis(300)).await;
        assert_eq!(n_taken(&rates, "a").await, 3);
        advance(Duration::from_secs(3600)).await;
        assert_eq!(
            n_taken(&rates, "a").await,
            5,
            "no more than the bucket holds"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_a_bound() {
        let rates = rates(Duration::from_secs(1), 1);
        for number in 0..3 * MOST_REMEMBERED {
            rates.take(&number.to_string()).await.unwrap();
        }
        assert!(rates.full_at.lock().unwrap().len() <= MOST_REMEMBERED);
    }

    #[tokio::test]
    async fn without_a_rate_nobody_waits_and_nothing_is_remembered() {
        let rates = Rates::new(None, None);
        assert_eq!(n_taken(&rates, "a").await, 100);
        assert!(rates.full_at.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn servers_with_a_redis_have_one_bucket_together() {
        let redis = domain::testing::redis(6);
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let burst = NonZeroU32::new(20).unwrap();
        let every = Duration::from_secs(3600);
        let server = async || {
            let counts = Counts::connect(&redis, &tracker, &stop).unwrap();
            counts.connected().await;
            Rates::new(Some(Rate { every, burst }), Some(counts))
        };
        let servers = [server().await, server().await];
        let token = format!("token of {}", std::process::id());
        let mut n_taken = 0;
        for server in servers.iter().cycle().take(40) {
            n_taken += usize::from(server.take(&token).await.is_ok());
        }
        // On a slow machine an answer may come too late: then that of one server counts.
        assert!((20..40).contains(&n_taken), "{n_taken}");
        let refused = servers[0].take(&token).await.unwrap_err();
        assert!(matches!(refused, Error::RateLimited { .. }), "{refused}");
    }
}
