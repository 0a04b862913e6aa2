//! When the server is killed: chosen by a seed.

use std::fmt;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::moment::{Kill, Moment, Who};
use super::training::{STEPS, URGENT_STEPS, WAITS_AT};

/// The most kills in one story.
const MOST_KILLS: usize = 4;

/// How the story is told.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// After which step of the background training the urgent one is submitted.
    pub(super) urgent_after: u32,
    /// The deaths of the server that are still to come.
    pub(super) kills: Vec<Kill>,
}

impl Plan {
    /// Nothing is killed.
    pub(super) fn quiet() -> Self {
        Self {
            urgent_after: WAITS_AT / 2,
            kills: Vec::new(),
        }
    }

    /// One to four kills. The first is at a moment that always comes; the others may wait in vain for states that
    /// nobody has seen, because states that follow each other closely may arrive as one.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let certain = [asked(), handed_over(), stepped()];
        let all = [asked(), handed_over(), stepped(), changed()];
        let count = random.random_range(1..=MOST_KILLS);
        let mut kills: Vec<Kill> = Vec::new();
        while kills.len() < count {
            let kinds: &[Vec<Moment>] = if kills.is_empty() { &certain } else { &all };
            let at = kinds
                .choose(&mut random)
                .and_then(|kind| kind.choose(&mut random));
            let answers = *[0, 1, 2, 5, 10, 20, 50].choose(&mut random).unwrap_or(&0);
            kills.extend(at.cloned().map(|at| Kill { at, answers }));
        }
        Self {
            urgent_after: random.random_range(1..=WAITS_AT),
            kills,
        }
    }

    /// The kill that waits for this moment, if one does; it does not wait any more.
    pub(super) fn take(&mut self, now: &Moment) -> Option<Kill> {
        let place = self.kills.iter().position(|kill| kill.at.is(now))?;
        Some(self.kills.remove(place))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urgent after step {}", self.urgent_after)?;
        self.kills.iter().try_for_each(|kill| write!(f, " {kill}"))
    }
}

/// What the test does, or waits for, itself.
fn asked() -> Vec<Moment> {
    use Moment::{Submitted, Submitting, Up};
    vec![
        Up(1),
        Submitting(Who::Background),
        Submitted(Who::Background),
        Submitting(Who::Urgent),
        Submitted(Who::Urgent),
    ]
}

/// What is said when the nodes change hands.
fn handed_over() -> Vec<Moment> {
    let line = |who, begin: &str| Moment::Line(who, begin.to_owned());
    vec![
        line(Who::Background, "suspended after"),
        line(Who::Urgent, "world size"),
        line(Who::Urgent, "held-out"),
        line(Who::Background, "continuing after"),
        line(Who::Background, "held-out"),
    ]
}

/// Any step of either.
fn stepped() -> Vec<Moment> {
    let lines =
        |who, steps| (1..=steps).map(move |step| Moment::Line(who, format!("step {step}/")));
    lines(Who::Background, STEPS)
        .chain(lines(Who::Urgent, URGENT_STEPS))
        .collect()
}

/// States, and the server's own beginnings.
fn changed() -> Vec<Moment> {
    let state = |who, state: &str| Moment::State(who, state.to_owned());
    vec![
        state(Who::Background, "RUNNING, run 1 STARTING"),
        state(Who::Background, "RUNNING, run 1 RUNNING"),
        state(Who::Background, "RUNNING, run 1 DRAINING"),
        state(Who::Background, "SUSPENDED, run 1 ENDED"),
        state(Who::Background, "RUNNING, run 2 STARTING"),
        state(Who::Background, "RUNNING, run 2 RUNNING"),
        state(Who::Background, "RUNNING, run 2 DRAINING"),
        state(Who::Background, "FINISHED, run 2 ENDED"),
        state(Who::Urgent, "WAITING_INIT"),
        state(Who::Urgent, "RUNNING, run 1 STARTING"),
        state(Who::Urgent, "RUNNING, run 1 RUNNING"),
        state(Who::Urgent, "RUNNING, run 1 DRAINING"),
        state(Who::Urgent, "FINISHED, run 1 ENDED"),
        Moment::Up(2),
        Moment::Up(3),
    ]
}
