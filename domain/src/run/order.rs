//! What an agent is told, as a pure function of the run.

use chrono::{DateTime, TimeDelta, Utc};
use entity::run::{self, DrainReason};
use protocol::{Desired, Order, SuspendOrder};

use super::grace::Graces;
use super::state::{Phase, phase};

/// What the platform wants of the ranks of a run now.
pub fn order(run: &run::Model, now: DateTime<Utc>, graces: &Graces) -> Order {
    let grace = graces.of(run);
    let desired = match phase(run) {
        Phase::Starting => Desired::Wait,
        Phase::Running => Desired::Run,
        Phase::Draining(_) if stop_is_due(run, now) => Desired::Stop,
        Phase::Draining(DrainReason::Suspend) => Desired::Suspend,
        // The gate never opened, so there is nothing to go on with.
        Phase::Draining(_) if run.started_at.is_none() => Desired::Wait,
        Phase::Draining(_) => Desired::Run,
        Phase::Ended => Desired::Over,
    };
    Order {
        desired,
        grace_ms: millis(grace.stop),
        suspend: (desired == Desired::Suspend).then(|| SuspendOrder {
            acknowledge_ms: millis(grace.acknowledge),
            progress_ms: millis(grace.progress),
            budget_ms: millis(grace.budget),
        }),
    }
}

/// When the order changes by time alone.
pub fn changes_at(run: &run::Model, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match phase(run) {
        Phase::Draining(_) => run.stop_at.filter(|stop_at| *stop_at > now),
        Phase::Starting | Phase::Running | Phase::Ended => None,
    }
}

fn millis(duration: TimeDelta) -> u32 {
    u32::try_from(duration.num_milliseconds()).unwrap_or(0)
}

fn stop_is_due(run: &run::Model, now: DateTime<Utc>) -> bool {
    run.stop_at.is_none_or(|stop_at| stop_at <= now)
}
