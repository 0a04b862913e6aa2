//! Time as a parameter.

use std::fmt::Debug;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use chrono::{DateTime, SubsecRound, Utc};

/// Where the time comes from.
pub trait Clock: Debug + Send + Sync {
    /// Now, cut to microseconds: what both databases keep.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the injected clock itself"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// The clock of a database that several machines share: as it was last heard, and carried on by this machine's steady
/// one. So they all mean the same, and a jump of one machine's clock changes nothing.
#[derive(Debug)]
pub struct SharedClock(RwLock<(DateTime<Utc>, Instant)>);

impl SharedClock {
    /// A clock that was heard at `at`.
    pub fn new(heard: DateTime<Utc>, at: Instant) -> Self {
        Self(RwLock::new((heard, at)))
    }

    /// Takes what was heard at `at`.
    pub fn set(&self, heard: DateTime<Utc>, at: Instant) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (heard, at);
    }
}

impl Clock for SharedClock {
    fn now(&self) -> DateTime<Utc> {
        let (heard, at) = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        (heard + at.elapsed()).trunc_subsecs(6)
    }
}

#[cfg(any(test, feature = "testing"))]
pub use test_clock::TestClock;

#[cfg(any(test, feature = "testing"))]
mod test_clock {
    use std::sync::Mutex;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::Clock;

    /// A clock that stands still until a test moves it.
    #[derive(Debug)]
    pub struct TestClock(Mutex<DateTime<Utc>>);

    impl Default for TestClock {
        fn default() -> Self {
            Self(Mutex::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)))
        }
    }

    impl TestClock {
        /// Moves the clock forward.
        #[expect(
            clippy::unwrap_used,
            reason = "a poisoned clock has already failed the test"
        )]
        pub fn advance(&self, by: TimeDelta) {
            *self.0.lock().unwrap() += by;
        }
    }

    impl Clock for TestClock {
        #[expect(
            clippy::unwrap_used,
            reason = "a poisoned clock has already failed the test"
        )]
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }
    }
}
