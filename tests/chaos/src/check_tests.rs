//! Each rule on a history that keeps it and on one that breaks it.

use std::time::Duration;

use super::*;
use crate::history::Seen;

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn seen(state: &str, desired: &str, priority: &str, run_count: i64) -> Seen {
    Seen {
        id: "1".to_owned(),
        state: state.to_owned(),
        desired: desired.to_owned(),
        priority: priority.to_owned(),
        outcome: (state == "FINISHED").then(|| "SUCCEEDED".to_owned()),
        run_count,
    }
}

fn operation(ask: Ask, asked: u64, answered: u64, answer: Answer) -> Operation {
    Operation {
        task: Wanted(7),
        ask,
        asked: at(asked),
        answered: at(answered),
        answer,
    }
}

fn done(ask: Ask, asked: u64, answered: u64, seen: Seen) -> Operation {
    operation(ask, asked, answered, Answer::Done(seen))
}

fn queued() -> Seen {
    seen("SUSPENDED", "RUN", FIRST_PRIORITY, 0)
}

fn finished() -> Seen {
    seen("FINISHED", "RUN", FIRST_PRIORITY, 1)
}

/// What is wrong with a history that begins with a submit and ends with a look at a finished task.
fn wrong(between: Vec<Operation>, last: Seen) -> Vec<String> {
    let mut tasks = vec![done(Ask::Submit, 0, 10, queued())];
    tasks.extend(between);
    tasks.push(done(Ask::Look, 9000, 9010, last));
    let history = History {
        tasks,
        ..History::default()
    };
    check(&history).into_iter().map(|it| it.0).collect()
}

fn breaks(rule: &str, between: Vec<Operation>, last: Seen) {
    let wrong = wrong(between, last);
    assert!(
        wrong.iter().any(|it| it.contains(rule)),
        "{rule}: {wrong:?}"
    );
}

fn keeps(between: Vec<Operation>, last: Seen) {
    let wrong = wrong(between, last);
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_task_that_was_acknowledged_is_there_and_is_one() {
    let gone = || Answer::Refused("NOT_FOUND".to_owned());
    breaks(
        "not there",
        vec![operation(Ask::Stop, 20, 30, gone())],
        finished(),
    );
    keeps(vec![operation(Ask::Stop, 5, 30, gone())], finished());
    let mut twin = queued();
    twin.id = "2".to_owned();
    breaks(
        "it has the ids",
        vec![done(Ask::Submit, 20, 30, twin)],
        finished(),
    );
    let mut other = done(Ask::Submit, 0, 10, queued());
    other.task = Wanted(8);
    breaks("is also that of", vec![other], finished());
}

#[test]
fn an_answer_shows_what_was_asked() {
    breaks(
        "was answered with",
        vec![done(Ask::Stop, 20, 30, queued())],
        finished(),
    );
    let held = seen("SUSPENDED", "HOLD", FIRST_PRIORITY, 0);
    keeps(vec![done(Ask::Suspend, 20, 30, held.clone())], held);
}

#[test]
fn a_priority_is_one_that_was_written_and_not_overwritten() {
    let low = |state: &str| seen(state, "RUN", "LOW", 1);
    let high = |state: &str| seen(state, "RUN", "HIGH", 1);
    let write = |place, asked, answered, seen| done(Ask::Priority(place), asked, answered, seen);
    breaks("priority HIGH", vec![], high("FINISHED"));
    breaks(
        "priority NORMAL",
        vec![write(0, 20, 30, low("RUNNING"))],
        finished(),
    );
    let one_after_the_other = vec![
        write(0, 20, 30, low("RUNNING")),
        write(4, 40, 50, high("RUNNING")),
    ];
    breaks("priority LOW", one_after_the_other.clone(), low("FINISHED"));
    keeps(one_after_the_other, high("FINISHED"));
    let at_once = vec![
        write(0, 20, 45, low("RUNNING")),
        write(4, 40, 50, high("RUNNING")),
    ];
    keeps(at_once.clone(), low("FINISHED"));
    keeps(at_once, high("FINISHED"));
    // Nobody knows whether it was done: it may be done at any time later.
    let unknown = operation(Ask::Priority(0), 20, 30, Answer::Unknown);
    let then = write(4, 40, 50, high("RUNNING"));
    keeps(vec![unknown, then], low("FINISHED"));
    let refused = operation(
        Ask::Priority(0),
        20,
        30,
        Answer::Refused("CONFLICT".to_owned()),
    );
    breaks("priority LOW", vec![refused], low("FINISHED"));
}

#[test]
fn what_is_finished_stays_so_unless_it_is_resumed() {
    let end = || done(Ask::Look, 20, 30, finished());
    let again = || done(Ask::Look, 60, 70, seen("RUNNING", "RUN", FIRST_PRIORITY, 2));
    breaks("nobody has resumed it", vec![end(), again()], finished());
    let resume = |asked, answered| {
        let seen = seen("SUSPENDED", "RUN", FIRST_PRIORITY, 1);
        done(Ask::Resume, asked, answered, seen)
    };
    let mut last = finished();
    last.run_count = 2;
    keeps(vec![end(), resume(40, 50), again()], last.clone());
    breaks(
        "nobody has resumed it",
        vec![resume(12, 14), end(), again()],
        last,
    );
}

#[test]
fn runs_do_not_become_fewer() {
    let two = seen("RUNNING", "RUN", FIRST_PRIORITY, 2);
    breaks("runs after", vec![done(Ask::Look, 20, 30, two)], finished());
}

#[test]
fn it_rests_as_it_was_wanted_last() {
    let held = || seen("SUSPENDED", "HOLD", FIRST_PRIORITY, 0);
    let suspend = |asked, answered| done(Ask::Suspend, asked, answered, held());
    let stop = |asked, answered| {
        done(
            Ask::Stop,
            asked,
            answered,
            seen("SUSPENDED", "STOP", FIRST_PRIORITY, 0),
        )
    };
    keeps(vec![suspend(20, 30)], held());
    breaks("it rests as", vec![suspend(20, 30), stop(40, 50)], held());
    keeps(vec![suspend(20, 45), stop(40, 50)], held());
    breaks("it rests as", vec![], queued());
    let mut lost = finished();
    lost.outcome = Some("LOST".to_owned());
    breaks("cost it its end", vec![], lost);
}

#[test]
fn a_quota_is_one_that_was_written_and_not_overwritten() {
    let quota = |wrote, told, asked, answered| QuotaOperation {
        user: 3,
        wrote,
        told,
        asked: at(asked),
        answered: at(answered),
    };
    let wrong = |quotas| {
        let history = History {
            quotas,
            ..History::default()
        };
        check(&history).len()
    };
    let written = || quota(Some(5), Some(5), 0, 10);
    assert_eq!(wrong(vec![written(), quota(None, Some(5), 20, 30)]), 0);
    assert_eq!(wrong(vec![written(), quota(None, Some(6), 20, 30)]), 1);
    let over = || quota(Some(6), Some(6), 12, 15);
    assert_eq!(
        wrong(vec![written(), over(), quota(None, Some(5), 20, 30)]),
        1
    );
    assert_eq!(
        wrong(vec![written(), over(), quota(None, Some(6), 20, 30)]),
        0
    );
    let unknown = || quota(Some(6), None, 12, 15);
    assert_eq!(
        wrong(vec![written(), unknown(), quota(None, Some(5), 20, 30)]),
        0
    );
    assert_eq!(
        wrong(vec![written(), unknown(), quota(None, Some(6), 20, 30)]),
        0
    );
}
