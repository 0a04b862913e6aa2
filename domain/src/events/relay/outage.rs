//! How long nothing is carried, and when it is worth another attempt.

use std::time::Duration;

use tokio::time::Instant;

use super::RelayError;

/// Before the second attempt.
const SHORTEST: Duration = Duration::from_millis(100);
/// Before any later one. Until it is back each server only looks by itself, which is slow.
pub(super) const LONGEST: Duration = Duration::from_millis(250);

/// The time in which a relay is not there.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    n_failures: u32,
}

impl Outage {
    /// It is there again, or for the first time.
    pub(super) fn is_over(&mut self, relay: &'static str) {
        let lasted = self.since.map(|since| since.elapsed().as_secs());
        tracing::info!(
            relay,
            after_secs = lasted.unwrap_or_default(),
            "servers of this platform hear each other"
        );
        *self = Self::default();
    }

    /// One more attempt has failed. It is said once, however many follow. Answers how long to wait.
    pub(super) fn goes_on(&mut self, relay: &'static str, error: &RelayError) -> Duration {
        let error = error.chain();
        if self.n_failures == 0 {
            tracing::warn!(
                relay,
                error,
                "servers of this platform do not hear each other until it is back: each looks by itself, twice in a second"
            );
        } else {
            tracing::debug!(relay, error, "it is still away");
        }
        self.since.get_or_insert_with(Instant::now);
        let pause = pause(self.n_failures);
        self.n_failures = self.n_failures.saturating_add(1);
        pause
    }
}

/// Twice as long each time.
fn pause(n_failures: u32) -> Duration {
    let times = 2_u32.saturating_pow(n_failures);
    SHORTEST.saturating_mul(times).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rare_and_never_end() {
        let pauses = [0, 1, 2, 99, u32::MAX].map(|n| pause(n).as_millis());
        assert_eq!(pauses, [100, 200, 250, 250, 250]);
    }

    #[test]
    fn an_outage_begins_anew_after_its_end() {
        let mut outage = Outage::default();
        let first = outage.goes_on("memory", &RelayError::Closed);
        assert!(outage.goes_on("memory", &RelayError::Closed) > first);
        outage.is_over("memory");
        assert_eq!(outage.goes_on("memory", &RelayError::Closed), first);
    }
}
