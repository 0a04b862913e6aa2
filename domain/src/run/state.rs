//! The life of a run as a pure, total function. `docs/lifecycle.md` has the table.

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
}
