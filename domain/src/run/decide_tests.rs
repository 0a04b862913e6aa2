//! When a run opens, drains and ends.

use chrono::{DateTime, TimeDelta, Utc};
use entity::pod::{State, Suspend};
use entity::run::DrainReason;
use entity::task::{self, Desired};
use entity::{pod, run};

use super::decide::{Decision, Limits, deadline, decide};
use crate::testing::{pod_row, run_row, task_row};

const LIMITS: Limits = Limits {
    start: TimeDelta::minutes(3),
    served_since: DateTime::UNIX_EPOCH,
    run: Some(TimeDelta::hours(1)),
};

fn after(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn wanted(desired: Desired) -> task::Model {
    task::Model {
        desired,
        ..task_row()
    }
}

fn starting() -> run::Model {
    run::Model {
        state: run::State::Starting,
        started_at: None,
        ..run_row()
    }
}

fn draining(reason: DrainReason) -> run::Model {
    run::Model {
        state: run::State::Draining,
        drain_reason: Some(reason),
        stop_at: Some(after(100)),
        ..run_row()
    }
}

/// Two ranks in these states; whoever is at the gate has not started anything.
fn ranks(first: State, second: State) -> Vec<pod::Model> {
    let with = |rank, state| pod::Model {
        state,
        started_at: (!matches!(state, State::Created | State::Registered))
            .then_some(DateTime::UNIX_EPOCH),
        ..pod_row(rank)
    };
    vec![with(0, first), with(1, second)]
}

/// The same, and rank 0 came so far with giving way.
fn yielding(first: State, suspend: Suspend) -> Vec<pod::Model> {
    let mut ranks = ranks(first, State::Running);
    ranks[0].suspend = Some(suspend);
    ranks
}

#[test]
fn what_happens_to_an_open_run_is_as_the_table_says() {
    use DrainReason as Why;
    use State::{Created, Failed, Lost, Registered, Running, Stopped, Succeeded};
    let run = Desired::Run;
    let at_work = ranks(Running, Running);
    let mut silent = ranks(Failed, Running);
    silent[0].silent = true;
    let mut never_ran = ranks(Failed, Registered);
    never_ran[0].started_at = None;
    let mut missing = ranks(Registered, Registered);
    missing[1].missing_since = Some(after(1));
    let table = [
        (
            "not all are at the gate",
            run,
            starting(),
            ranks(Registered, Created),
            9,
            Decision::Stay,
        ),
        (
            "one at the gate is missing",
            run,
            starting(),
            missing,
            9,
            Decision::Stay,
        ),
        (
            "all are at the gate",
            run,
            starting(),
            ranks(Registered, Registered),
            9,
            Decision::Open,
        ),
        (
            "too late",
            run,
            starting(),
            ranks(Registered, Created),
            180,
            Decision::Drain(Why::StartFailed),
        ),
        (
            "could not start",
            run,
            starting(),
            never_ran,
            9,
            Decision::Drain(Why::StartFailed),
        ),
        (
            "stopped before the gate",
            Desired::Stop,
            starting(),
            ranks(Created, Created),
            9,
            Decision::Drain(Why::Stop),
        ),
        (
            "held before the gate",
            Desired::Hold,
            starting(),
            ranks(Created, Created),
            9,
            Decision::Drain(Why::Suspend),
        ),
        (
            "at work",
            run,
            run_row(),
            at_work.clone(),
            9,
            Decision::Stay,
        ),
        (
            "a rank failed",
            run,
            run_row(),
            ranks(Running, Failed),
            9,
            Decision::Drain(Why::RankFailed),
        ),
        (
            "a rank is lost",
            run,
            run_row(),
            ranks(Running, Lost),
            9,
            Decision::Drain(Why::Lost),
        ),
        (
            "ended by its machine",
            run,
            run_row(),
            ranks(Running, Stopped),
            9,
            Decision::Drain(Why::Lost),
        ),
        (
            "lost says more than failed",
            run,
            run_row(),
            ranks(Lost, Failed),
            9,
            Decision::Drain(Why::Lost),
        ),
        (
            "silent",
            run,
            run_row(),
            silent,
            9,
            Decision::Drain(Why::Timeout),
        ),
        (
            "its time is up",
            run,
            run_row(),
            at_work.clone(),
            3600,
            Decision::Drain(Why::Timeout),
        ),
        (
            "one is done",
            run,
            run_row(),
            ranks(Succeeded, Running),
            9,
            Decision::Stay,
        ),
        (
            "all are done",
            run,
            run_row(),
            ranks(Succeeded, Succeeded),
            9,
            Decision::Drain(Why::Done),
        ),
        (
            "done says more than a hold",
            Desired::Hold,
            run_row(),
            ranks(Succeeded, Succeeded),
            9,
            Decision::Drain(Why::Done),
        ),
        (
            "held",
            Desired::Hold,
            run_row(),
            at_work.clone(),
            9,
            Decision::Drain(Why::Suspend),
        ),
        (
            "ready by itself",
            run,
            run_row(),
            yielding(Running, Suspend::Ready),
            9,
            Decision::Drain(Why::Suspend),
        ),
        (
            "a stop wins",
            Desired::Stop,
            run_row(),
            ranks(Failed, Lost),
            9,
            Decision::Drain(Why::Stop),
        ),
        (
            "has noticed",
            run,
            draining(Why::Suspend),
            yielding(Running, Suspend::Received),
            9,
            Decision::Stay,
        ),
        (
            "has said that it may end",
            run,
            draining(Why::Suspend),
            yielding(Running, Suspend::Ready),
            9,
            Decision::Hasten,
        ),
        (
            "rank 0 has ended",
            run,
            draining(Why::Suspend),
            yielding(Stopped, Suspend::Received),
            9,
            Decision::Hasten,
        ),
        (
            "is hastened already",
            run,
            draining(Why::Suspend),
            yielding(Running, Suspend::Ready),
            100,
            Decision::Stay,
        ),
        (
            "stopped while it gives way",
            Desired::Stop,
            draining(Why::Suspend),
            at_work.clone(),
            9,
            Decision::Drain(Why::Stop),
        ),
        (
            "held while it fails",
            Desired::Hold,
            draining(Why::RankFailed),
            ranks(Running, Failed),
            9,
            Decision::Stay,
        ),
    ];
    for (what, desired, run, pods, seconds, expected) in table {
        let decision = decide(&wanted(desired), &run, &pods, &LIMITS, after(seconds));
        assert_eq!(decision.unwrap(), expected, "{what}");
    }
}

#[test]
fn the_time_in_which_nobody_served_does_not_count_for_the_start() {
    let served = Limits {
        served_since: after(100),
        ..LIMITS
    };
    assert_eq!(deadline(&starting(), &served), Some(after(280)));
    assert_eq!(deadline(&run_row(), &LIMITS), Some(after(3600)));
    let unlimited = Limits {
        run: None,
        ..LIMITS
    };
    assert_eq!(deadline(&run_row(), &unlimited), None);
}
