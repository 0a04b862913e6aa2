//! What to do next with a rank: one pure function of its state, what happened, and the time.

mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use protocol::{Desired, ExitCause, Order, RankExit};

pub(crate) use state::{CommandEnd, State, Why};

/// Between SIGTERM and SIGKILL when nobody gave a grace: the agent was told to end, or the rank fell silent.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// Between two rounds of SIGKILL, for what was forked meanwhile or sits in the kernel.
const KILL_PERIOD: Duration = Duration::from_secs(1);

/// How long the agent waits for the server to take the exit, once the record of it is on disk.
const REPORT_PATIENCE: Duration = Duration::from_secs(10);

/// What is fixed for the life of the rank.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    /// Longest time without output; `None`: no watchdog.
    pub(crate) silence: Option<Duration>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The server says what it wants.
    Order(Order),
    /// The agent itself was told to end (SIGTERM).
    Terminated,
    /// The command could not be started; a sentence why.
    StartFailed(String),
    /// The command printed something.
    Output,
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
        State::Stopping {
            why,
            kill_at,
            ended,
        } => while_stopping(
            Stop {
                why,
                kill_at,
                ended,
            },
            event,
            now,
        ),
        State::Killing {
            why,
            again_at,
            ended,
        } => while_killing(
            Kill {
                why,
                again_at,
                ended,
            },
            event,
            now,
        ),
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
    match event {
        Event::Order(order) => match order.desired {
            Desired::Wait => (State::Waiting, None),
            Desired::Run => (State::Running { quiet_since: now }, Some(Action::Start)),
            Desired::Stop => record(Why::Stopped.exit(None)),
            Desired::Over => record(Why::Over.exit(None)),
        },
        Event::Terminated => record(Why::Terminated.exit(None)),
        Event::StartFailed(_)
        | Event::Output
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
            Desired::Stop => stop(Why::Stopped, now + grace(order)),
            Desired::Over => kill(Why::Over, None, now),
        },
        Event::Terminated => stop(Why::Terminated, now + DEFAULT_GRACE),
        Event::StartFailed(message) => record(RankExit {
            cause: ExitCause::StartFailed,
            code: None,
            signal: None,
            message: Some(message),
        }),
        Event::Output => (State::Running { quiet_since: now }, None),
        Event::CommandEnded(end) => kill(Why::Command, Some(end), now),
        Event::Tick => match policy.silence {
            Some(limit) if now >= quiet_since + limit => {
                stop(Why::Silence { limit }, now + DEFAULT_GRACE)
            }
            Some(_) | None => (unchanged, None),
        },
        Event::SomeLeft
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged => (unchanged, None),
    }
}

struct Stop {
    why: Why,
    kill_at: Duration,
    ended: Option<CommandEnd>,
}

/// Stopping is not taken back. The command may end before what it started: that has the grace, too.
fn while_stopping(stop: Stop, event: Event, now: Duration) -> (State, Option<Action>) {
    let Stop {
        why,
        kill_at,
        ended,
    } = stop;
    let until = |kill_at| {
        (
            State::Stopping {
                why,
                kill_at,
                ended,
            },
            None,
        )
    };
    match event {
        Event::Order(order) => match order.desired {
            Desired::Wait | Desired::Run => until(kill_at),
            Desired::Stop => until(kill_at.min(now + grace(order))),
            Desired::Over => kill(why, ended, now),
        },
        Event::Terminated => until(kill_at.min(now + DEFAULT_GRACE)),
        Event::CommandEnded(end) => (
            State::Stopping {
                why,
                kill_at,
                ended: Some(end),
            },
            None,
        ),
        Event::AllGone if ended.is_some() => record(why.exit(ended)),
        Event::Tick if now >= kill_at => kill(why, ended, now),
        Event::StartFailed(_)
        | Event::Output
        | Event::SomeLeft
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged
        | Event::Tick => until(kill_at),
    }
}

struct Kill {
    why: Why,
    again_at: Duration,
    ended: Option<CommandEnd>,
}

/// The rank has ended when nothing of it is left, however long the kernel takes: the node is not free before.
fn while_killing(killing: Kill, event: Event, now: Duration) -> (State, Option<Action>) {
    let Kill {
        why,
        again_at,
        ended,
    } = killing;
    let unchanged = (
        State::Killing {
            why,
            again_at,
            ended,
        },
        None,
    );
    match event {
        Event::CommandEnded(end) => (
            State::Killing {
                why,
                again_at,
                ended: Some(end),
            },
            None,
        ),
        Event::AllGone if ended.is_some() => record(why.exit(ended)),
        Event::SomeLeft => kill(why, ended, now),
        Event::Tick if now >= again_at => kill(why, ended, now),
        Event::Order(_)
        | Event::Terminated
        | Event::StartFailed(_)
        | Event::Output
        | Event::AllGone
        | Event::Recorded
        | Event::RecordFailed
        | Event::Acknowledged
        | Event::Tick => unchanged,
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
        | Event::StartFailed(_)
        | Event::Output
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
        | Event::StartFailed(_)
        | Event::Output
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

fn stop(why: Why, kill_at: Duration) -> (State, Option<Action>) {
    (
        State::Stopping {
            why,
            kill_at,
            ended: None,
        },
        Some(Action::Terminate),
    )
}

fn kill(why: Why, ended: Option<CommandEnd>, now: Duration) -> (State, Option<Action>) {
    (
        State::Killing {
            why,
            again_at: now + KILL_PERIOD,
            ended,
        },
        Some(Action::Kill),
    )
}

fn record(exit: RankExit) -> (State, Option<Action>) {
    (
        State::Recording { exit: exit.clone() },
        Some(Action::Record(exit)),
    )
}

fn grace(order: Order) -> Duration {
    Duration::from_millis(order.grace_ms.into())
}
