//! Time as a parameter.

use std::fmt::Debug;

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
