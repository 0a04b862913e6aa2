//! Chance that can be repeated.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Chance that is the same for the same seed.
#[derive(Debug)]
pub struct Chance(StdRng);

impl Chance {
    /// From a seed, and what it is for: what is for something else does not change it.
    pub fn of(seed: u64, what: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, what).hash(&mut hasher);
        Self(StdRng::seed_from_u64(hasher.finish()))
    }

    /// Whether something happens that happens in this share of all cases, 0 to 1.
    pub fn happens(&mut self, share: f64) -> bool {
        self.0.random_bool(share.clamp(0.0, 1.0))
    }

    /// A number of a range that is not empty.
    pub fn among(&mut self, range: Range<u64>) -> u64 {
        self.0.random_range(range)
    }

    /// One of some things, if there are any.
    pub fn one<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let n = u64::try_from(all.len()).ok().filter(|n| *n > 0)?;
        all.get(usize::try_from(self.among(0..n)).ok()?)
    }

    /// A time up to the longest one.
    pub fn time(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.0.random_range(0.0..=1.0))
    }
}
