//! What should happen to an open run now: a pure function of its rows and the time.

use chrono::{DateTime, TimeDelta, Utc};
use entity::run::DrainReason;
use entity::task::{self, Desired};
use entity::{pod, run};

use super::report::is_over;
use super::state::{InvalidTransition, Phase, RunEvent, next, phase};

/// What should happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing, for now.
    Stay,
    /// Open the gate.
    Open,
    /// Begin to end it, or end it sooner or for another reason.
    Drain(DrainReason),
    /// It gives way and is done with it: the rest need not wait for its time to be over.
    Hasten,
}

/// The limits that time alone may pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long every rank may take to register.
    pub(crate) start: TimeDelta,
    /// Since when this server could have started anything.
    pub(crate) served_since: DateTime<Utc>,
    /// How long the run may last once the gate is open (`options.timeout`).
    pub(crate) run: Option<TimeDelta>,
}

/// What should happen to an open run of this task, with these pods.
///
/// # Errors
/// [`InvalidTransition`] if the rows contradict each other.
pub(crate) fn decide(
    task: &task::Model,
    run: &run::Model,
    pods: &[pod::Model],
    limits: &Limits,
    now: DateTime<Utc>,
) -> Result<Decision, InvalidTransition> {
    let before = phase(run);
    let mut after = before;
    for event in events(task, run, pods, limits, now) {
        after = next(after, event)?;
    }
    Ok(match after {
        Phase::Draining(DrainReason::Suspend) if has_given_way(pods) && is_patient(run, now) => {
            Decision::Hasten
        }
        after if after == before => Decision::Stay,
        Phase::Running => Decision::Open,
        Phase::Draining(reason) => Decision::Drain(reason),
        Phase::Starting | Phase::Ended => Decision::Stay,
    })
}

/// When time alone may change the decision.
pub(crate) fn deadline(run: &run::Model, limits: &Limits) -> Option<DateTime<Utc>> {
    match phase(run) {
        Phase::Starting => Some(start_limit(run, limits)),
        Phase::Running => time_up(run, limits),
        Phase::Draining(_) => run.kill_at,
        Phase::Ended => None,
    }
}

/// Whether a rank has said that it may be ended, or rank 0, which decides for all, has ended.
fn has_given_way(pods: &[pod::Model]) -> bool {
    pods.iter().any(|pod| {
        pod.suspend == Some(pod::Suspend::Ready) || (pod.rank == 0 && is_over(pod.state))
    })
}

/// Whether the agents have not been told to stop yet.
fn is_patient(run: &run::Model, now: DateTime<Utc>) -> bool {
    run.stop_at.is_some_and(|stop_at| stop_at > now)
}

/// Everything that has happened, the most telling first: the first one that leads to DRAINING gives the reason, except
/// that a stop always wins.
fn events(
    task: &task::Model,
    run: &run::Model,
    pods: &[pod::Model],
    limits: &Limits,
    now: DateTime<Utc>,
) -> Vec<RunEvent> {
    use pod::State;
    let any = |is: &dyn Fn(&pod::Model) -> bool| pods.iter().any(is);
    let all = |is: &dyn Fn(&pod::Model) -> bool| !pods.is_empty() && pods.iter().all(is);
    let late = run.state == run::State::Starting && start_limit(run, limits) <= now;
    let at_the_gate = |pod: &pod::Model| {
        pod.missing_since.is_none()
            && matches!(
                pod.state,
                State::Registered | State::Running | State::Succeeded
            )
    };
    let never_ran = |pod: &pod::Model| pod.state == State::Failed && pod.started_at.is_none();
    let facts = [
        (task.desired == Desired::Stop, RunEvent::Stop),
        (any(&never_ran) || late, RunEvent::StartFailed),
        // The user's code may ask for it by itself.
        (
            any(&|pod| pod.suspend == Some(pod::Suspend::Ready)),
            RunEvent::Suspend,
        ),
        // Nobody ordered it to stop: the machine did, or somebody on it.
        (
            any(&|pod| matches!(pod.state, State::Lost | State::Stopped)),
            RunEvent::RankLost,
        ),
        (any(&|pod| pod.silent), RunEvent::Silent),
        (any(&|pod| pod.state == State::Failed), RunEvent::RankFailed),
        (all(&|pod| pod.state == State::Succeeded), RunEvent::AllDone),
        (all(&at_the_gate), RunEvent::AllRegistered),
        (
            time_up(run, limits).is_some_and(|end| end <= now),
            RunEvent::TimeUp,
        ),
        // Last: what has happened already says more than what is wanted.
        (task.desired == Desired::Hold, RunEvent::Suspend),
    ];
    facts
        .into_iter()
        .filter_map(|(holds, event)| holds.then_some(event))
        .collect()
}

/// When every rank must have registered. The time in which no server was there does not count.
fn start_limit(run: &run::Model, limits: &Limits) -> DateTime<Utc> {
    run.created_at.max(limits.served_since) + limits.start
}

fn time_up(run: &run::Model, limits: &Limits) -> Option<DateTime<Utc>> {
    run.started_at?.checked_add_signed(limits.run?)
}
