//! When to try to connect again.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use protocol::Launch;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// What tells the agents of a cluster apart, so that they do not all come at once when the server is back.
pub(super) fn seed(launch: &Launch) -> u64 {
    let mut hasher = DefaultHasher::new();
    (launch.task_id, launch.run, launch.rank).hash(&mut hasher);
    hasher.finish()
}

/// The pause after a failed attempt, counted from 0: doubling up to a limit, plus up to a fifth.
pub(super) fn delay(attempt: u32, seed: u64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
    let pause = doubled.min(LONGEST);
    let mut hasher = DefaultHasher::new();
    (seed, attempt).hash(&mut hasher);
    let share = u32::try_from(hasher.finish() % 1000).expect("below 1000");
    pause + pause / 5 * share / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_two_seconds() {
        for (attempt, least) in [
            (0, 100),
            (1, 200),
            (3, 800),
            (5, 2000),
            (40, 2000),
            (u32::MAX, 2000),
        ] {
            let least = Duration::from_millis(least);
            let pause = delay(attempt, 7);
            assert!(
                pause >= least && pause <= least + least / 5,
                "{attempt}: {pause:?}"
            );
        }
    }

    #[test]
    fn agents_spread_and_each_is_predictable() {
        assert_eq!(delay(6, 1), delay(6, 1));
        assert_ne!(delay(6, 1), delay(6, 2));
    }
}
