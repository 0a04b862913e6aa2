//! When a container that runs is asked to end, and when it is killed. Pure.

use chrono::{DateTime, Utc};

use super::behaviour::Fate;
use super::ward::Told;

/// What is to become of a container that runs.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) fate: Option<(DateTime<Utc>, Fate)>,
    pub(super) met: Option<Fate>,
    pub(super) was_asked: bool,
    pub(super) kill_at: Option<DateTime<Utc>>,
}

/// What is done to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Nothing,
    Ask,
    Kill,
}

impl Plan {
    /// When something is to be decided next, if nobody says anything.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        let fate = self.fate.as_ref().map(|(at, _)| *at);
        [fate, self.kill_at].into_iter().flatten().min()
    }

    pub(super) fn decide(&mut self, told: &Told, may_hang: bool, now: DateTime<Utc>) -> Act {
        let met = told.fate.clone();
        let due = self
            .fate
            .take_if(|(at, _)| *at <= now)
            .map(|(_, fate)| fate);
        if let (None, Some(fate)) = (&self.met, met.or(due)) {
            self.met = Some(fate);
            return Act::Kill;
        }
        let Some(end) = told.end.filter(|_| told.may_go || !may_hang) else {
            return Act::Nothing;
        };
        self.kill_at = Some(end).filter(|end| *end > now);
        match (self.kill_at, std::mem::replace(&mut self.was_asked, true)) {
            (None, _) => Act::Kill,
            (Some(_), false) => Act::Ask,
            (Some(_), true) => Act::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::kubelet::End;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_container_is_asked_once_and_killed_when_its_time_is_over() {
        let mut plan = Plan::default();
        let mut told = Told::default();
        assert_eq!(plan.decide(&told, false, at(0)), Act::Nothing);
        told.end = Some(at(30));
        assert_eq!(plan.decide(&told, false, at(0)), Act::Ask);
        assert_eq!(
            (plan.next(), plan.decide(&told, false, at(29))),
            (Some(at(30)), Act::Nothing)
        );
        assert_eq!(plan.decide(&told, false, at(30)), Act::Kill);
    }

    #[test]
    fn one_that_hangs_is_not_asked_until_it_may_go() {
        let mut plan = Plan::default();
        let mut told = Told {
            end: Some(at(1)),
            ..Told::default()
        };
        assert_eq!(plan.decide(&told, true, at(9)), Act::Nothing);
        told.may_go = true;
        assert_eq!(plan.decide(&told, true, at(9)), Act::Kill);
    }

    #[test]
    fn the_first_fate_counts() {
        let mut plan = Plan {
            fate: Some((at(5), Fate::Ends(End::of_code(3)))),
            ..Plan::default()
        };
        let told = Told::default();
        assert_eq!(plan.decide(&told, false, at(4)), Act::Nothing);
        assert_eq!(plan.decide(&told, false, at(5)), Act::Kill);
        let late = Told {
            fate: Some(Fate::Ends(End::of_code(4))),
            ..Told::default()
        };
        assert_eq!(plan.decide(&late, false, at(6)), Act::Nothing);
        assert_eq!(plan.met, Some(Fate::Ends(End::of_code(3))));
    }
}
