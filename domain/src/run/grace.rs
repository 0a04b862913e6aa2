//! How long things may take when a run ends, and the deadlines that follow from it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::run::{self, DrainReason};
use scheduler::Level;

/// How long things may take when a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// After the first failed rank, the time for the others to fail by themselves.
    pub collect: TimeDelta,
    /// Between SIGTERM and SIGKILL.
    pub stop: TimeDelta,
    /// For the agent to carry out an order, before the runtime kills without asking it.
    pub agent: TimeDelta,
    /// How long the user's code may take to notice that it is to give way.
    pub acknowledge: TimeDelta,
    /// How long after its last sign of progress the user's code may go on saving.
    pub progress: TimeDelta,
    /// How long giving way may take in all.
    pub budget: TimeDelta,
}

impl Grace {
    /// The original's 5 s to see other ranks fail, to notice, to save and to obey; 5 s more for the agent, and as long as
    /// a minute for code that says that it is still saving.
    pub const USUAL: Self = Self {
        collect: TimeDelta::seconds(5),
        stop: TimeDelta::seconds(5),
        agent: TimeDelta::seconds(5),
        acknowledge: TimeDelta::seconds(5),
        progress: TimeDelta::seconds(5),
        budget: TimeDelta::seconds(60),
    };
}

/// The same for the runs of every level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graces {
    usual: Grace,
    levels: BTreeMap<i32, Grace>,
}

impl Graces {
    /// `usual` for every level that has none of its own.
    pub fn new(usual: Grace, own: impl IntoIterator<Item = (Level, Grace)>) -> Self {
        Self {
            usual,
            levels: own
                .into_iter()
                .map(|(level, grace)| (level.value(), grace))
                .collect(),
        }
    }

    /// That of the level which the run has.
    pub fn of(&self, run: &run::Model) -> &Grace {
        self.levels.get(&run.level).unwrap_or(&self.usual)
    }
}

impl Default for Graces {
    /// [`Grace::USUAL`] for every level.
    fn default() -> Self {
        Self::new(Grace::USUAL, [])
    }
}

/// When agents are told to stop, and when the runtime kills what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// When agents are told to stop.
    pub stop_at: DateTime<Utc>,
    /// When the runtime kills.
    pub kill_at: DateTime<Utc>,
}

impl Deadlines {
    /// The deadlines of a run that begins to drain now.
    ///
    /// A run whose gate never opened has nothing to save.
    pub fn of(reason: DrainReason, started: bool, now: DateTime<Utc>, grace: &Grace) -> Self {
        let stop_at = match reason {
            DrainReason::RankFailed => now + grace.collect,
            // The agents count the time themselves; this is for one that does not.
            DrainReason::Suspend if started => now + grace.acknowledge + grace.budget,
            DrainReason::Stop
            | DrainReason::Suspend
            | DrainReason::StartFailed
            | DrainReason::Lost
            | DrainReason::Timeout
            | DrainReason::Done => now,
        };
        Self {
            stop_at,
            kill_at: stop_at + grace.stop + grace.agent,
        }
    }

    /// The earlier of each.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        Self {
            stop_at: self.stop_at.min(other.stop_at),
            kill_at: self.kill_at.min(other.kill_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_row;

    #[test]
    fn only_a_failed_rank_gives_the_others_time_to_speak() {
        let grace = Grace::USUAL;
        let now = DateTime::UNIX_EPOCH;
        let failed = Deadlines::of(DrainReason::RankFailed, true, now, &grace);
        let stopped = Deadlines::of(DrainReason::Stop, true, now, &grace);
        assert_eq!(failed.stop_at, now + TimeDelta::seconds(5));
        assert_eq!(failed.kill_at, now + TimeDelta::seconds(15));
        assert_eq!(stopped.stop_at, now);
        assert_eq!(failed.earlier(stopped), stopped);
    }

    #[test]
    fn a_level_may_have_times_of_its_own() {
        let patient = Grace {
            budget: TimeDelta::minutes(10),
            ..Grace::USUAL
        };
        let graces = Graces::new(Grace::USUAL, [(Level::High, patient)]);
        let at = |level: Level| run::Model {
            level: level.value(),
            ..run_row()
        };
        assert_eq!(*graces.of(&at(Level::High)), patient);
        assert_eq!(*graces.of(&at(Level::Low)), Grace::USUAL);
    }
}
