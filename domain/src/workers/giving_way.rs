//! Which runs give way, and for how long: the numbers behind a measurement, lost with the process.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::RunId;
use entity::run::{self, DrainReason, State};

/// The open runs, as they were seen last.
#[derive(Debug, Default)]
pub(super) struct GivingWay(BTreeMap<RunId, Seen>);

/// How a run was seen last.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// Nobody has asked it to give way.
    Undisturbed,
    /// It was asked to give way then.
    Asked(DateTime<Utc>),
    /// It gave way already when it was seen first: nobody knows since when.
    Earlier,
}

impl GivingWay {
    /// Takes in which runs are open now. Answers how long each took to give way that is open no more.
    pub(super) fn look(&mut self, open: &[run::Model], now: DateTime<Utc>) -> Vec<TimeDelta> {
        let before = std::mem::take(&mut self.0);
        let seen = |run: &run::Model| (run.id, next(before.get(&run.id), run, now));
        self.0 = open.iter().map(seen).collect();
        let over = before.iter().filter(|(id, _)| !self.0.contains_key(id));
        over.filter_map(|(_, seen)| match seen {
            Seen::Asked(at) => Some(now - at),
            Seen::Undisturbed | Seen::Earlier => None,
        })
        .collect()
    }
}

fn next(before: Option<&Seen>, run: &run::Model, now: DateTime<Utc>) -> Seen {
    let is_asked = run.state == State::Draining && run.drain_reason == Some(DrainReason::Suspend);
    match (before, is_asked) {
        (Some(seen @ (Seen::Asked(_) | Seen::Earlier)), _) => *seen,
        (Some(Seen::Undisturbed), true) => Seen::Asked(now),
        (None, true) => Seen::Earlier,
        (Some(Seen::Undisturbed) | None, false) => Seen::Undisturbed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_row;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(secs)
    }

    fn draining(reason: DrainReason) -> run::Model {
        run::Model {
            state: State::Draining,
            drain_reason: Some(reason),
            ..run_row()
        }
    }

    #[test]
    fn a_run_has_given_way_when_it_is_open_no_more() {
        let mut runs = GivingWay::default();
        let asked = [draining(DrainReason::Suspend)];
        assert!(runs.look(&[run_row()], at(0)).is_empty());
        assert!(runs.look(&asked, at(10)).is_empty());
        // Its owner loses patience.
        let stopped = [draining(DrainReason::Stop)];
        assert!(runs.look(&stopped, at(12)).is_empty());
        assert_eq!(runs.look(&[], at(17)), [TimeDelta::seconds(7)]);
        assert!(runs.look(&[], at(18)).is_empty());
    }

    #[test]
    fn what_was_asked_before_this_server_started_or_ends_otherwise_is_not_measured() {
        for first in [draining(DrainReason::Suspend), run_row()] {
            let mut runs = GivingWay::default();
            assert!(runs.look(std::slice::from_ref(&first), at(0)).is_empty());
            let last = match first.state {
                State::Draining => first,
                _ => draining(DrainReason::Done),
            };
            assert!(runs.look(&[last], at(1)).is_empty());
            assert!(runs.look(&[], at(2)).is_empty());
        }
    }
}
