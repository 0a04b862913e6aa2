//! How often a rank is reported: at once after a quiet time, and under load the less often the slower the server answers.
//!
//! A thousand agents whose commands print all the time would keep a server busy with nothing but reports. So each agent
//! leaves it alone for several times as long as it took to answer the last one.

use std::time::Duration;

use tokio::time::Instant;

/// Least time between two reports.
const SHORTEST: Duration = Duration::from_millis(5);
/// A server that is so slow is not asked less often for that.
const LONGEST: Duration = Duration::from_millis(100);
/// How many times as long as an answer took is waited before the next report.
const SPARING: u32 = 3;

/// When the next report may be sent.
#[derive(Debug)]
pub(super) struct Pace {
    sent: Instant,
    next: Instant,
}

impl Pace {
    /// The first one at once.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            sent: now,
            next: now,
        }
    }

    /// From then on, unless one is under way.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// One is on its way.
    pub(super) fn sent(&mut self, now: Instant) {
        self.sent = now;
    }

    /// It was answered.
    pub(super) fn answered(&mut self, now: Instant) {
        let took = now.saturating_duration_since(self.sent);
        self.next = now + took.saturating_mul(SPARING).clamp(SHORTEST, LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long after an answer the next report waits, if the answer took so long.
    fn pause(took: u64) -> u128 {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        assert_eq!(pace.next(), begin);
        pace.sent(begin);
        let answered = begin + Duration::from_millis(took);
        pace.answered(answered);
        (pace.next() - answered).as_millis()
    }

    #[test]
    fn a_slower_server_is_asked_less_often() {
        for (took, expected) in [(0, 5), (2, 6), (10, 30), (30, 90), (100_000, 100)] {
            assert_eq!(pause(took), expected, "{took} ms");
        }
    }
}
