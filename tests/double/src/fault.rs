//! What goes wrong with calls and watches, by chance. Pure.
//!
//! Chance depends on the seed, on what is asked for, and on how often it was asked for before: not on what else is asked for
//! at the same time. So a seed tells nearly the same story again.

use std::collections::HashMap;
use std::time::Duration;

use crate::chance::Chance;

/// How an API server is disturbed.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The same for the same story.
    pub seed: u64,
    /// The share of calls that fail, 0 to 1.
    pub share: f64,
    /// The share of what watches tell that ends them: some at once, some because they are too old (410).
    pub watch_share: f64,
    /// The longest that an answer, or something that a watch tells, is late.
    pub latest: Duration,
    /// Whether a watch may begin earlier than it was asked to, as if the list before it had been of an older state: what
    /// was told before is told again.
    pub repeats: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 0,
            share: 0.2,
            watch_share: 0.1,
            latest: Duration::from_millis(100),
            repeats: true,
        }
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallFault {
    /// It is refused before anything is done.
    Refused(u16),
    /// The connection closes before anything is done.
    Closed,
    /// It is done, and the connection closes without an answer.
    Lost,
    /// It is done, and the answer comes late.
    Late(Duration),
}

/// What goes wrong with something that a watch tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WatchFault {
    /// The stream ends.
    Ends,
    /// The connection breaks.
    Breaks,
    /// It is said to be too old.
    Expires,
    /// It comes late.
    Late(Duration),
}

/// A disturbance that goes on.
#[derive(Debug)]
pub(crate) struct Disturbance {
    faults: Faults,
    n_asked: HashMap<String, u64>,
}

impl Disturbance {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            faults,
            n_asked: HashMap::new(),
        }
    }

    /// What goes wrong with the next call of this kind, if anything does.
    pub(crate) fn of_call(&mut self, what: &str) -> Option<CallFault> {
        let mut chance = self.chance(what);
        if !chance.happens(self.faults.share) {
            return None;
        }
        Some(match chance.among(0..8) {
            0 => CallFault::Refused(500),
            1 => CallFault::Refused(503),
            2 => CallFault::Refused(429),
            3 => CallFault::Closed,
            4..6 => CallFault::Lost,
            _ => CallFault::Late(chance.time(self.faults.latest)),
        })
    }

    /// What goes wrong with the next thing that a watch of this kind tells, if anything does.
    pub(crate) fn of_watch(&mut self, what: &str) -> Option<WatchFault> {
        let mut chance = self.chance(what);
        if !chance.happens(self.faults.watch_share) {
            // Half of all comes late.
            let is_late = chance.happens(0.5);
            return is_late.then(|| WatchFault::Late(chance.time(self.faults.latest)));
        }
        Some(match chance.among(0..3) {
            0 => WatchFault::Ends,
            1 => WatchFault::Breaks,
            _ => WatchFault::Expires,
        })
    }

    /// So many changes of the past a watch tells once more.
    pub(crate) fn repeated(&mut self, what: &str) -> u64 {
        let mut chance = self.chance(what);
        match self.faults.repeats && chance.happens(0.3) {
            true => chance.among(1..21),
            false => 0,
        }
    }

    fn chance(&mut self, what: &str) -> Chance {
        let times = self.n_asked.entry(what.to_owned()).or_default();
        *times += 1;
        Chance::of(self.faults.seed, (what, *times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_tells_the_same_story_whatever_else_is_asked_for() {
        let story = |seed: u64, disturbed: bool| {
            let mut disturbance = Disturbance::new(Faults {
                seed,
                ..Faults::default()
            });
            let calls = (0..200).map(|_| {
                if disturbed {
                    disturbance.of_call("GET /b");
                }
                disturbance.of_call("GET /a")
            });
            calls.collect::<Vec<_>>()
        };
        assert_eq!(story(1, false), story(1, true));
        assert_ne!(story(1, false), story(2, false));
        let n_faults = story(1, false).into_iter().flatten().count();
        assert!((20..60).contains(&n_faults), "{n_faults} of 200");
        for kind in [CallFault::Lost, CallFault::Closed, CallFault::Refused(429)] {
            assert!(story(1, false).contains(&Some(kind)));
        }
    }
}
