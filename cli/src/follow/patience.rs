//! How long to go on trying after a connection was lost.

use std::time::Duration;

/// The first pause before a new connection; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After so much waiting in a row nobody believes in the platform any more.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long to go on trying.
#[derive(Debug, Default)]
pub(super) struct Patience {
    spent: Duration,
    last: Option<Duration>,
}

impl Patience {
    /// Whether nothing has gone wrong since the last success.
    pub(super) fn is_fresh(&self) -> bool {
        self.last.is_none()
    }

    /// How long to wait before the next attempt; `None` if there should be none.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        if self.spent >= PATIENCE {
            return None;
        }
        let pause = self
            .last
            .map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
        self.spent += pause;
        self.last = Some(pause);
        Some(pause)
    }

    /// All is well again. Says whether it was not.
    pub(super) fn restore(&mut self) -> bool {
        let was_fresh = self.is_fresh();
        *self = Self::default();
        !was_fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_to_a_limit_and_is_restored_by_success() {
        let mut patience = Patience::default();
        let mut pauses = Vec::new();
        while let Some(pause) = patience.pause() {
            pauses.push(pause);
        }
        assert_eq!(pauses[..3], [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]);
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
        assert!(pauses.iter().sum::<Duration>() >= PATIENCE);
        assert!(patience.restore());
        assert!(!patience.restore());
        assert_eq!(patience.pause(), Some(FIRST_PAUSE));
    }
}
