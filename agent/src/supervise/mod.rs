//! What to do next with a rank: one pure function of its state, what happened, and the time.

mod state;
mod suspend;
#[cfg(test)]
mod tests;

use std::time::Duration;

use protocol::{Desired, ExitCause, Order, RankExit};

use state::{Ending, Why};
use suspend::Suspend;

pub(crate) use state::{CommandEnd, State};

/// Between SIGTERM and SIGKILL when nobody gave a grace: the agent was told to end, or the rank fell silent.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// Between SIGTERM and SIGKILL when the command itself said that it may be ended.
const READY_GRACE: Duration = Duration::from_secs(1);

/// Between two rounds of SIGKILL, for what was forked meanwhile or sits in the kernel.
const KILL_PERIOD: Duration = Duration::from_secs(1);

/// Why a rank that cannot be fenced off does not begin.
const NO_FENCE: &str = "The directory of its log is not as the platform has made it: does this node have the same storage?";

/// How long the agent waits for the server to take the exit, once the record of it is on disk.
const REPORT_PATIENCE: Duration = Duration::from_secs(10);

/// What is fixed for the life of the rank.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    /// Longest time without output; `None`: no watchdog.
    pub(crate) silence: Option<Duration>,
    /// Whether this is rank 0, whose progress decides how long a suspension may take.
    pub(crate) is_master: bool,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The server says what it wants.
    Order(Order),
    /// The agent itself was told to end (SIGTERM).
    Terminated,
    /// The platform has raised the fence: it takes the rank for dead.
    Fenced,
    /// There is no fence: nobody could take the rank for dead.
    FenceMissing,
    /// The command could not be started; a sentence why.
    StartFailed(String),
    /// The command printed something.
    Output,
    /// The command took notice that it is to suspend.
    SuspendReceived,
    /// The command is saving.
    Saving,
    /// The command has saved and may be ended.
    Ready,
    /// The command ended; processes it started may be left.
    CommandEnded(CommandEnd),
    /// After the end of the command: there are still processes of the rank.
    SomeLeft,
    /// No process of the rank is left.
    AllGone,
    /// The exit record is on disk.
    Recorded,
    /// The exit record could not be written.
    RecordFailed,
    /// The server knows the exit.
    Acknowledged,
    /// Time went by.
    Tick,
}

/// What the actor has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start the command.
    Start,
    /// SIGTERM to all processes of the rank.
    Terminate,
    /// SIGKILL to all processes of the rank.
    Kill,
    /// Finish the log, write the exit record, and have the exit reported.
    Record(RankExit),
    /// End the agent.
    Leave,
}

/// The transition. `now` is a monotone time with any zero.
pub(crate) fn step(
    state: State,
    event: Event,
    now: Duration,
    policy: &Policy,
) -> (State, Option<Action>) {
    match state {
        State::Waiting => at_the_gate(event, now),
        State::Running { quiet_since } => while_running(quiet_since, event, now, policy),
        State::Suspending(suspend) => suspend::while_suspending(suspend, event, now, policy),
        State::Stopping { ending, kill_at } => while_stopping(ending, kill_at, event, now),
        State::Killing { ending, again_at } => while_killing(ending, again_at, event, now),
        State::Recording { exit } => while_recording(exit, event, now),
        State::Reporting {
            exit,
            give_up_at,
            recorded,
        } => while_reporting(
            Report {
                exit,
                give_up_at,
                recorded,
            },
            event,
            now,
        ),
        State::Left => (State::Left, None),
    }
}

/// No user code runs before the order to run. Any end decided here is the platform's.
fn at_the_gate(event: Event, now: Duration) -> (State, Option<Action>) {
    let end = |why| record(Ending::new(why).exit());
    match event {
        Event::Order(order) => match order.desired {
            Desired::Wait => (State::Waiting, None),
            Desired::Run => (State::Running { quiet_since: now }, Some(Action::Start)),
            // What never ran has nothing to save.
            Desired::Suspend => record(Suspend::begin(order, now).ending(Why::Suspended).exit()),
            Desired::Stop => end(Why::Stopped),
            Desired::Over => end(Why::Over),
        },
        Event::Terminated => end(Why::Terminated),
        Event::Fenced => end(Why::Fenced),
        Event::FenceMissing => record(start_failed(NO_FENCE.to_owned())),
        Event::StartFailed(_)
        | Event::Output
        | Event::SuspendReceived
        | Event::Saving
        | Event::Ready
        | Event::CommandEnded(_)
        | Event::SomeLeft
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged
        | Event::Tick => (State::Waiting, None),
    }
}

fn while_running(
    quiet_since: Duration,
    event: Event,
    now: Duration,
    policy: &Policy,
) -> (State, Option<Action>) {
    let unchanged = State::Running { quiet_since };
    match event {
        Event::Order(order) => match order.desired {
            // Once it runs, the gate is behind it.
            Desired::Wait | Desired::Run => (unchanged, None),
            Desired::Suspend => (State::Suspending(Suspend::begin(order, now)), None),
            Desired::Stop => stop(Ending::new(Why::Stopped), now + grace(order)),
            Desired::Over => kill(Ending::new(Why::Over), now),
        },
        Event::Terminated => stop(Ending::new(Why::Terminated), now + DEFAULT_GRACE),
        Event::Fenced => kill(Ending::new(Why::Fenced), now),
        Event::FenceMissing => kill(Ending::new(Why::FenceMissing), now),
        Event::StartFailed(message) => record(start_failed(message)),
        Event::Output => (State::Running { quiet_since: now }, None),
        // The command has saved and waits to be ended, perhaps for an order that was withdrawn meanwhile: to refuse
        // would leave it waiting for ever.
        Event::Ready => stop(suspend::unasked(), now + READY_GRACE),
        Event::CommandEnded(end) => kill(
            Ending {
                ended: Some(end),
                ..Ending::new(Why::Command)
            },
            now,
        ),
        Event::Tick => match policy.silence {
            Some(limit) if now >= quiet_since + limit => {
                stop(Ending::new(Why::Silence { limit }), now + DEFAULT_GRACE)
            }
            Some(_) | None => (unchanged, None),
        },
        Event::SuspendReceived
        | Event::Saving
        | Event::SomeLeft
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged => (unchanged, None),
    }
}

/// Stopping is not taken back. The command may end before what it started: that has the grace, too.
fn while_stopping(
    ending: Ending,
    kill_at: Duration,
    event: Event,
    now: Duration,
) -> (State, Option<Action>) {
    let until = |kill_at| (State::Stopping { ending, kill_at }, None);
    match event {
        Event::Order(order) => match order.desired {
            Desired::Wait | Desired::Run | Desired::Suspend => until(kill_at),
            Desired::Stop => until(kill_at.min(now + grace(order))),
            Desired::Over => kill(ending, now),
        },
        Event::Terminated => until(kill_at.min(now + DEFAULT_GRACE)),
        Event::Fenced | Event::FenceMissing => kill(ending, now),
        Event::SuspendReceived => {
            let ending = ending.noting(|suspend| suspend.acknowledged = true);
            (State::Stopping { ending, kill_at }, None)
        }
        Event::Ready => {
            let ending = ending.noting(|suspend| suspend.ready = true);
            let kill_at = kill_at.min(now + READY_GRACE);
            (State::Stopping { ending, kill_at }, None)
        }
        Event::CommandEnded(end) => {
            let ended = Some(end);
            let ending = Ending { ended, ..ending };
            (State::Stopping { ending, kill_at }, None)
        }
        Event::AllGone if ending.ended.is_some() => record(ending.exit()),
        Event::Tick if now >= kill_at => kill(ending, now),
        Event::StartFailed(_)
        | Event::Output
        | Event::Saving
        | Event::SomeLeft
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged
        | Event::Tick => until(kill_at),
    }
}

/// The rank has ended when nothing of it is left, however long the kernel takes: the node is not free before.
fn while_killing(
    ending: Ending,
    again_at: Duration,
    event: Event,
    now: Duration,
) -> (State, Option<Action>) {
    match event {
        Event::CommandEnded(end) => {
            let ended = Some(end);
            let ending = Ending { ended, ..ending };
            (State::Killing { ending, again_at }, None)
        }
        Event::AllGone if ending.ended.is_some() => record(ending.exit()),
        Event::SomeLeft => kill(ending, now),
        Event::Tick if now >= again_at => kill(ending, now),
        Event::Order(_)
        | Event::Terminated
        | Event::Fenced
        | Event::FenceMissing
        | Event::StartFailed(_)
        | Event::Output
        | Event::SuspendReceived
        | Event::Saving
        | Event::Ready
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged
        | Event::Tick => (State::Killing { ending, again_at }, None),
    }
}

fn while_recording(exit: RankExit, event: Event, now: Duration) -> (State, Option<Action>) {
    let give_up_at = now + REPORT_PATIENCE;
    match event {
        Event::Recorded => (
            State::Reporting {
                exit,
                give_up_at,
                recorded: true,
            },
            None,
        ),
        Event::RecordFailed => (
            State::Reporting {
                exit,
                give_up_at,
                recorded: false,
            },
            None,
        ),
        Event::Order(_)
        | Event::Terminated
        | Event::Fenced
        | Event::FenceMissing
        | Event::StartFailed(_)
        | Event::Output
        | Event::SuspendReceived
        | Event::Saving
        | Event::Ready
        | Event::CommandEnded(_)
        | Event::SomeLeft
        | Event::AllGone
        | Event::Acknowledged
        | Event::Tick => (State::Recording { exit }, None),
    }
}

struct Report {
    exit: RankExit,
    give_up_at: Duration,
    recorded: bool,
}

/// The agent leaves when the server knows the exit, or nobody asks any more, or the record will tell it later. With
/// neither a record nor a server it stays and tries both again.
fn while_reporting(report: Report, event: Event, now: Duration) -> (State, Option<Action>) {
    let leave = (State::Left, Some(Action::Leave));
    let Report {
        exit,
        give_up_at,
        recorded,
    } = report;
    match event {
        Event::Acknowledged => leave,
        Event::Order(order) if order.desired == Desired::Over => leave,
        Event::Tick if now >= give_up_at && recorded => leave,
        Event::Tick if now >= give_up_at => record(exit),
        Event::Order(_)
        | Event::Terminated
        | Event::Fenced
        | Event::FenceMissing
        | Event::StartFailed(_)
        | Event::Output
        | Event::SuspendReceived
        | Event::Saving
        | Event::Ready
        | Event::CommandEnded(_)
        | Event::SomeLeft
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Tick => (
            State::Reporting {
                exit,
                give_up_at,
                recorded,
            },
            None,
        ),
    }
}

fn stop(ending: Ending, kill_at: Duration) -> (State, Option<Action>) {
    (State::Stopping { ending, kill_at }, Some(Action::Terminate))
}

fn kill(ending: Ending, now: Duration) -> (State, Option<Action>) {
    let again_at = now + KILL_PERIOD;
    (State::Killing { ending, again_at }, Some(Action::Kill))
}

fn record(exit: RankExit) -> (State, Option<Action>) {
    (
        State::Recording { exit: exit.clone() },
        Some(Action::Record(exit)),
    )
}

fn start_failed(message: String) -> RankExit {
    RankExit {
        cause: ExitCause::StartFailed,
        code: None,
        signal: None,
        message: Some(message),
        suspend: None,
    }
}

fn grace(order: Order) -> Duration {
    millis(order.grace_ms)
}

fn millis(millis: u32) -> Duration {
    Duration::from_millis(millis.into())
}
