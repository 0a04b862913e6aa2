//! A command that is to save and end: what may happen meanwhile, how much time it has, and how far it has come.

use std::time::Duration;

use protocol::{Desired, Order, SuspendEnd, SuspendOrder};

use super::{
    Action, DEFAULT_GRACE, Event, Policy, READY_GRACE, State, grace, kill, millis, record,
    start_failed,
    state::{Ending, Why},
    stop,
};

/// A suspension under way. Times are on the same monotone scale as the `now` of [`super::step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suspend {
    /// When the order was first heard: repeating it gives no more time.
    since: Duration,
    patience: SuspendOrder,
    grace: Duration,
    /// When the command last showed progress; the first such time is when it took notice.
    progressed_at: Option<Duration>,
}

impl Suspend {
    pub(super) fn begin(order: Order, now: Duration) -> Self {
        Self {
            since: now,
            patience: order.suspend.unwrap_or_default(),
            grace: grace(order),
            progressed_at: None,
        }
    }

    /// The order came again, perhaps with another patience.
    pub(super) fn repeated(self, order: Order) -> Self {
        Self {
            patience: order.suspend.unwrap_or_default(),
            grace: grace(order),
            ..self
        }
    }

    /// Only the first notice counts: a command that asks in each step makes no progress by that.
    pub(super) fn acknowledged(self, now: Duration) -> Self {
        Self {
            progressed_at: self.progressed_at.or(Some(now)),
            ..self
        }
    }

    /// Output of a command that has not taken notice is no progress towards its end.
    pub(super) fn progressed(self, now: Duration) -> Self {
        Self {
            progressed_at: self.progressed_at.map(|_| now),
            ..self
        }
    }

    /// When SIGTERM is due. Rank 0 shows whether the training is saving; the others go along with it, and have all the
    /// time that it may take.
    pub(super) fn deadline(&self, policy: &Policy) -> Duration {
        let acknowledge = millis(self.patience.acknowledge_ms);
        let progress = millis(self.patience.progress_ms);
        let budget = millis(self.patience.budget_ms);
        if !policy.is_master {
            return self.since + acknowledge + budget + self.grace;
        }
        match self.progressed_at {
            None => self.since + acknowledge,
            Some(at) => (at + progress).min(self.since + budget),
        }
    }

    /// Between SIGTERM and SIGKILL.
    pub(super) fn grace(&self) -> Duration {
        self.grace
    }

    /// How far it has come.
    pub(super) fn end(&self) -> SuspendEnd {
        SuspendEnd {
            acknowledged: self.progressed_at.is_some(),
            ready: false,
            forced: false,
        }
    }

    /// The end of a rank for this or another reason.
    pub(super) fn ending(&self, why: Why) -> Ending {
        Ending {
            suspend: Some(self.end()),
            ..Ending::new(why)
        }
    }

    /// The end of a command that says it has saved.
    pub(super) fn ready(&self) -> Ending {
        self.ending(Why::Suspended)
            .noting(|suspend| suspend.ready = true)
    }

    /// The end of a command that used up its time.
    pub(super) fn forced(&self) -> Ending {
        self.ending(Why::Suspended)
            .noting(|suspend| suspend.forced = true)
    }
}

/// The command goes on until it has saved, or its time is used up. The watchdog rests: this time is shorter.
pub(super) fn while_suspending(
    suspend: Suspend,
    event: Event,
    now: Duration,
    policy: &Policy,
) -> (State, Option<Action>) {
    let goes_on = |suspend| (State::Suspending(suspend), None);
    match event {
        Event::Order(order) => match order.desired {
            Desired::Wait => goes_on(suspend),
            Desired::Run => (State::Running { quiet_since: now }, None),
            Desired::Suspend => goes_on(suspend.repeated(order)),
            Desired::Stop => stop(suspend.ending(Why::Stopped), now + grace(order)),
            Desired::Over => kill(suspend.ending(Why::Over), now),
        },
        Event::Terminated => stop(suspend.ending(Why::Terminated), now + DEFAULT_GRACE),
        Event::Fenced => kill(suspend.ending(Why::Fenced), now),
        Event::FenceMissing => kill(suspend.ending(Why::FenceMissing), now),
        Event::StartFailed(message) => record(start_failed(message)),
        Event::SuspendReceived => goes_on(suspend.acknowledged(now)),
        Event::Saving | Event::Output => goes_on(suspend.progressed(now)),
        Event::Ready => stop(suspend.ready(), now + READY_GRACE),
        Event::CommandEnded(end) => kill(
            Ending {
                ended: Some(end),
                ..suspend.ending(Why::Suspended)
            },
            now,
        ),
        Event::Tick if now >= suspend.deadline(policy) => {
            stop(suspend.forced(), now + suspend.grace())
        }
        Event::SomeLeft
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged
        | Event::Tick => goes_on(suspend),
    }
}

/// The end of a command that says it has saved although no suspension is under way.
pub(super) fn unasked() -> Ending {
    let ready = SuspendEnd {
        ready: true,
        ..SuspendEnd::default()
    };
    Ending {
        suspend: Some(ready),
        ..Ending::new(Why::Suspended)
    }
}

impl Ending {
    /// The same with another fact about the suspension, if one was under way.
    pub(super) fn noting(mut self, fact: impl FnOnce(&mut SuspendEnd)) -> Self {
        if let Some(suspend) = &mut self.suspend {
            fact(suspend);
        }
        self
    }
}
