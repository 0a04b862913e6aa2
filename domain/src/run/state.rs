//! The life of a run as a pure, total function. `docs/lifecycle.md` has the table.

use chrono::{DateTime, TimeDelta, Utc};
use entity::run::{self, DrainReason, State};

/// Where a run is, with the reason where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nodes are taken, agents register.
    Starting,
    /// The gate is open.
    Running,
    /// It is ending.
    Draining(DrainReason),
    /// Nothing of it is left.
    Ended,
}

/// What may happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEvent {
    /// Every rank is at the gate.
    AllRegistered,
    /// A rank could not be started, or not in time.
    StartFailed,
    /// A rank's command failed.
    RankFailed,
    /// A rank is gone without a record.
    RankLost,
    /// Rank 0 printed nothing for too long.
    Silent,
    /// It ran longer than `options.timeout`.
    TimeUp,
    /// Its task is to end.
    Stop,
    /// Its task is to give way: it is needed elsewhere, or on hold.
    Suspend,
    /// Every rank exited with 0.
    AllDone,
    /// Nothing of it is left anywhere.
    Drained,
}

/// The event does not fit the phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} does not fit a run that is {phase:?}")]
pub struct InvalidTransition {
    phase: Phase,
    event: RunEvent,
}

/// What an event does to a run.
///
/// # Errors
/// [`InvalidTransition`] where the table says "refused".
pub fn next(phase: Phase, event: RunEvent) -> Result<Phase, InvalidTransition> {
    use DrainReason as Reason;
    use Phase::{Draining, Ended, Running, Starting};
    Ok(match (phase, event) {
        (Starting, RunEvent::AllRegistered) => Running,
        // A command cannot end well before the gate opened: no command ran.
        (Starting, RunEvent::StartFailed | RunEvent::RankFailed | RunEvent::AllDone)
        | (Running, RunEvent::StartFailed) => Draining(Reason::StartFailed),
        (Running, RunEvent::RankFailed) => Draining(Reason::RankFailed),
        (Starting | Running, RunEvent::RankLost) => Draining(Reason::Lost),
        (Running, RunEvent::Silent | RunEvent::TimeUp) => Draining(Reason::Timeout),
        (Starting | Running | Draining(_), RunEvent::Stop) => Draining(Reason::Stop),
        // No code of the user runs before the gate opens: what has nothing to save ends like any other start.
        (Starting | Running, RunEvent::Suspend) => Draining(Reason::Suspend),
        (Running, RunEvent::AllDone) => Draining(Reason::Done),
        (Draining(_), RunEvent::Drained) => Ended,
        (Starting, RunEvent::Silent | RunEvent::TimeUp)
        | (Running, RunEvent::AllRegistered)
        | (
            Draining(_),
            RunEvent::AllRegistered
            | RunEvent::StartFailed
            | RunEvent::RankFailed
            | RunEvent::RankLost
            | RunEvent::Silent
            | RunEvent::TimeUp
            | RunEvent::Suspend
            | RunEvent::AllDone,
        )
        | (
            Ended,
            RunEvent::AllRegistered
            | RunEvent::StartFailed
            | RunEvent::RankFailed
            | RunEvent::RankLost
            | RunEvent::Silent
            | RunEvent::TimeUp
            | RunEvent::Stop
            | RunEvent::Suspend
            | RunEvent::AllDone,
        ) => phase,
        (Starting | Running | Ended, RunEvent::Drained) => {
            return Err(InvalidTransition { phase, event });
        }
    })
}

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

/// Where the row says that a run is. A row that drains without a reason is read as stopped: it must end, not hang.
pub fn phase(run: &run::Model) -> Phase {
    match run.state {
        State::Starting => Phase::Starting,
        State::Running => Phase::Running,
        State::Draining => Phase::Draining(run.drain_reason.unwrap_or(DrainReason::Stop)),
        State::Ended => Phase::Ended,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const EVENTS: [RunEvent; 10] = [
        RunEvent::AllRegistered,
        RunEvent::StartFailed,
        RunEvent::RankFailed,
        RunEvent::RankLost,
        RunEvent::Silent,
        RunEvent::TimeUp,
        RunEvent::Stop,
        RunEvent::Suspend,
        RunEvent::AllDone,
        RunEvent::Drained,
    ];

    #[test]
    fn the_transition_table_is_as_committed() {
        let mut table = String::new();
        for phase in [
            Phase::Starting,
            Phase::Running,
            Phase::Draining(DrainReason::RankFailed),
            Phase::Ended,
        ] {
            for event in EVENTS {
                let result = match next(phase, event) {
                    Ok(next) if next == phase => "stays".to_owned(),
                    Ok(next) => format!("{next:?}"),
                    Err(_) => "refused".to_owned(),
                };
                let _ = writeln!(table, "{phase:?} + {event:?} -> {result}");
            }
        }
        insta::assert_snapshot!(table);
    }

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
}
