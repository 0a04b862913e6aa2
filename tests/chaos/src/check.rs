//! Whether what clients saw can be told of one task after the other, each with one value of everything at each moment.
//!
//! Pure. Each rule is what a person would complain about: what was promised is not there, or what was seen goes back.
//! Operations overlap; of those that do, any order is allowed.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Answer, Ask, History, Operation, PRIORITIES, QuotaOperation, Wanted};

/// What cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) String);

/// All that is wrong with a history. It must end with a look at every task after everything has come to rest.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut of_task: BTreeMap<Wanted, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.tasks {
        of_task.entry(operation.task).or_default().push(operation);
    }
    let mut found = Vec::new();
    let mut owners: BTreeMap<&str, Wanted> = BTreeMap::new();
    for (wanted, operations) in &mut of_task {
        operations.sort_by_key(|operation| operation.asked);
        let mut say = |what: String| found.push(Violation(format!("task {}: {what}", wanted.0)));
        let ids: BTreeSet<&str> = operations
            .iter()
            .filter_map(|operation| Some(&*operation.seen()?.id))
            .collect();
        if ids.len() > 1 {
            say(format!("it has the ids {ids:?}"));
        }
        for id in ids {
            if let Some(other) = owners.insert(id, *wanted)
                && other != *wanted
            {
                say(format!("its id {id} is also that of task {}", other.0));
            }
        }
        kept(operations, &mut say);
        answered_as_asked(operations, &mut say);
        priority(operations, &mut say);
        never_back(operations, &mut say);
        ends(operations, &mut say);
    }
    let users: BTreeSet<usize> = history.quotas.iter().map(|it| it.user).collect();
    for user in users {
        let of_user: Vec<_> = history.quotas.iter().filter(|it| it.user == user).collect();
        quota(user, &of_user, &mut found);
    }
    found
}

type Say<'a> = dyn FnMut(String) + 'a;

/// A task that was acknowledged is there ever after.
fn kept(operations: &[&Operation], say: &mut Say<'_>) {
    let mut known: Option<&Operation> = None;
    for operation in operations {
        if let (Some(before), Answer::Refused(code)) = (known, &operation.answer)
            && code == "NOT_FOUND"
            && before.precedes(operation)
        {
            say(format!(
                "acknowledged at {:?}, not there at {:?}",
                before.answered, operation.asked
            ));
        }
        if operation.seen().is_some() && known.is_none_or(|it| operation.answered < it.answered) {
            known = Some(operation);
        }
    }
}

/// An answer shows what its question has changed.
fn answered_as_asked(operations: &[&Operation], say: &mut Say<'_>) {
    for operation in operations {
        let Some(seen) = operation.seen() else {
            continue;
        };
        let fits = match operation.ask {
            Ask::Submit | Ask::Look => true,
            Ask::Stop => seen.desired == "STOP" || seen.is_finished(),
            Ask::Suspend => seen.desired == "HOLD",
            Ask::Resume => seen.desired == "RUN",
            Ask::Priority(place) => seen.priority == PRIORITIES[place],
        };
        if !fits {
            say(format!("{:?} was answered with {seen:?}", operation.ask));
        }
    }
}

/// A priority that is seen was written, and not surely overwritten before.
fn priority(operations: &[&Operation], say: &mut Say<'_>) {
    let writes: Vec<(&Operation, &str)> = operations
        .iter()
        .filter(|it| it.may_count())
        .filter_map(|it| match it.ask {
            Ask::Priority(place) => Some((*it, PRIORITIES[place])),
            Ask::Submit | Ask::Stop | Ask::Suspend | Ask::Resume | Ask::Look => None,
        })
        .collect();
    for look in operations {
        let Some(seen) = look.seen() else { continue };
        let before: Vec<_> = writes
            .iter()
            .filter(|(it, _)| it.asked <= look.answered)
            .collect();
        let is_written = before.iter().any(|(write, value)| {
            *value == seen.priority
                && !before
                    .iter()
                    .any(|(later, _)| write.precedes(later) && later.precedes(look))
        });
        let is_first = seen.priority == FIRST_PRIORITY
            && !before.iter().any(|(write, _)| write.precedes(look));
        if !is_written && !is_first {
            say(format!(
                "priority {} at {:?} was not written, or overwritten before",
                seen.priority, look.asked
            ));
        }
    }
}

/// The priority that every task is submitted with.
pub(crate) const FIRST_PRIORITY: &str = "NORMAL";

/// Time does not go back: runs do not become fewer, and what is finished stays so unless it is resumed.
fn never_back(operations: &[&Operation], say: &mut Say<'_>) {
    let looks: Vec<&&Operation> = operations.iter().filter(|it| it.seen().is_some()).collect();
    let mut by_end = looks.clone();
    by_end.sort_by_key(|it| it.answered);
    let resumes = || {
        let may = |it: &&&Operation| it.ask == Ask::Resume && it.may_count();
        operations.iter().filter(may)
    };
    let mut over = by_end.into_iter().peekable();
    let (mut most_runs, mut finished): (i64, Option<&Operation>) = (0, None);
    for look in looks {
        while let Some(before) = over.next_if(|before| before.answered < look.asked) {
            let Some(seen) = before.seen() else { continue };
            most_runs = most_runs.max(seen.run_count);
            if seen.is_finished() && finished.is_none_or(|it| it.asked < before.asked) {
                finished = Some(before);
            }
        }
        let Some(seen) = look.seen() else { continue };
        if seen.run_count < most_runs {
            say(format!(
                "{} runs after {most_runs} at {:?}",
                seen.run_count, look.asked
            ));
        }
        if let Some(end) = finished
            && !seen.is_finished()
            && !resumes().any(|it| it.asked <= look.answered && !it.precedes(end))
        {
            say(format!(
                "finished at {:?}, not any more at {:?}, and nobody has resumed it",
                end.answered, look.asked
            ));
        }
    }
}

/// After everything has come to rest, it is as the last one wanted who was told that it would be.
fn ends(operations: &[&Operation], say: &mut Say<'_>) {
    let Some(last) = operations.iter().rev().find(|it| it.ask == Ask::Look) else {
        return;
    };
    let Some(seen) = last.seen() else {
        if operations.iter().any(|it| it.seen().is_some()) {
            say(format!("the last look ended with {:?}", last.answer));
        }
        return;
    };
    let wishes: Vec<&&Operation> = operations
        .iter()
        .filter(|it| it.may_count() && matches!(it.ask, Ask::Stop | Ask::Suspend | Ask::Resume))
        .collect();
    // Those after which no other certainly came.
    let newest: Vec<&&&Operation> = wishes
        .iter()
        .filter(|wish| {
            !wishes
                .iter()
                .any(|later| wish.precedes(later) && later.seen().is_some())
        })
        .collect();
    // A task that is told to wait may end by itself before it hears that.
    let is_held = seen.desired == "HOLD" && newest.iter().any(|it| it.ask == Ask::Suspend);
    if !seen.is_finished() && !is_held {
        let wanted: Vec<Ask> = newest.iter().map(|wish| wish.ask).collect();
        say(format!(
            "it rests as {seen:?}, and what was wanted last is one of {wanted:?}"
        ));
    }
    if seen.outcome.as_deref() == Some("LOST") || seen.outcome.as_deref() == Some("START_FAILED") {
        say(format!(
            "it ended {:?}: a fault has cost it its end",
            seen.outcome
        ));
    }
}

/// A quota that is read was written, and not surely overwritten before.
fn quota(user: usize, operations: &[&QuotaOperation], found: &mut Vec<Violation>) {
    let precedes =
        |a: &QuotaOperation, b: &QuotaOperation| a.told.is_some() && a.answered < b.asked;
    for look in operations {
        let Some(told) = look.told else { continue };
        if let Some(wrote) = look.wrote {
            if wrote != told {
                found.push(Violation(format!(
                    "quota of user {user}: wrote {wrote}, told {told}"
                )));
            }
            continue;
        }
        let writes = || {
            let before = |it: &&&QuotaOperation| it.wrote.is_some() && it.asked <= look.answered;
            operations.iter().filter(before)
        };
        let fits = writes().any(|write| {
            write.wrote == Some(told)
                && !writes().any(|later| precedes(write, later) && precedes(later, look))
        });
        if !fits {
            found.push(Violation(format!(
                "quota of user {user}: {told} at {:?} was not written, or overwritten before",
                look.asked
            )));
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
