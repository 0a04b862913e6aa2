//! How often it is reported that a log has grown: at once after a quiet time, else seldom.
//!
//! Where the file system is the server's own, it sees by itself that a log has grown. Elsewhere the report makes it look. A
//! thousand agents whose commands print all the time would keep it busy with nothing but reports, so each leaves it
//! alone for many times as long as it took to answer the last one.

use std::time::Duration;

use tokio::time::Instant;

/// Least time between two reports.
const SHORTEST: Duration = Duration::from_secs(1);
/// A server that is so slow is not asked less often for that.
const LONGEST: Duration = Duration::from_secs(10);
/// How many times as long as an answer took is waited before the next report.
const SPARING: u32 = 100;

/// When the next report may be sent.
#[derive(Debug)]
pub(super) struct Pace {
    next: Instant,
}

impl Pace {
    /// The first one at once.
    pub(super) fn new(now: Instant) -> Self {
        Self { next: now }
    }

    /// From then on, unless one is under way.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// One was answered.
    pub(super) fn answered(&mut self, sent: Instant, now: Instant) {
        let took = now.saturating_duration_since(sent);
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
        let answered = begin + Duration::from_millis(took);
        pace.answered(begin, answered);
        (pace.next() - answered).as_millis()
    }

    #[test]
    fn a_slower_server_is_asked_less_often() {
        for (took, expected) in [(0, 1000), (10, 1000), (30, 3000), (100_000, 10_000)] {
            assert_eq!(pause(took), expected, "{took} ms");
        }
    }
}
