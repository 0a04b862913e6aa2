//! What should run: a pure planner.
//!
//! ```text
//!  Snapshot ─▶ survey ─────▶ relevel ────▶ admit ──────▶ order ────▶ place ─────▶ preempt ────▶ Plan
//!              which rows    which runs    who stands    in which    on which     at whose      decisions,
//!              make sense    change their  in line, at   order       nodes        expense       report, wake_at
//!                            level         which level
//! ```
//!
//! [`plan`] is a function of its arguments alone: no clock, no I/O, no randomness, and the order of
//! the rows in the snapshot does not matter. Its cost is that of sorting the tasks and the nodes.
//!
//! # The rules
//!
//! - **What runs stays**, unless a higher level needs its nodes. A node that is not ready is no
//!   capacity for a start, and concerns only the task that is on it.
//! - **Quota** is nodes per (user, group, level), resolved by [`QuotaBook`]. Active tasks use it
//!   with the nodes they still hold, draining ones too; waiting tasks in line have it promised to
//!   them, in their owner's order. [`Priority::Auto`] takes the first level of
//!   [`Policy::auto_levels`] with room; the choice is made anew in each plan while the task waits,
//!   and is final in its [`Decision::Start`].
//! - **A priority changed while a task runs** moves its run to that level: down at once, up as soon
//!   as its owner has room there for all its nodes. [`Priority::Auto`] leaves it where it is.
//! - **Order** in a group is by level, then first come, first served by [`TaskKey`];
//!   [`Task::custom_rank`] reorders one user's own tasks.
//! - **Gangs**: a task gets all its nodes or none.
//! - **Head of line**: the first task of a group's line that does not fit stops all behind it in
//!   that group, so that a large task cannot be starved by small ones; only those go on for whom
//!   all nodes are reserved already. Only tasks in line can be the head. One that is held, in
//!   backoff, out of quota, of an inactive user, kept off too many nodes by its exclusions, or that
//!   can never run stands outside: it neither blocks anybody nor has quota promised to it.
//! - **Preemption**: the head of a line takes nodes of runs of strictly lower levels if that is
//!   what it takes to start; so neither equals nor tasks of one user at one level ever interrupt
//!   each other. Free nodes, and those of tasks on their way out, are used first; then the runs
//!   with the least to lose, which are those of the lowest level and of these the latest. None is
//!   a victim that could be spared, and none at all if they do not suffice. A run that cannot be
//!   suspended, or is younger than [`Policy::protect_from_higher`], is no victim.
//! - **Reservations** keep all the nodes of a preemptor until the last of them is free and it
//!   starts. They stand while their task is in line and can use every one of them. They yield to
//!   nobody but the head of the line, if it is of a higher level and is then sure of all its nodes:
//!   before runs, because nothing is lost.
//! - **Placement** stays in one zone if any zone has room, and then goes by node name.
//! - **Bad rows** cost only themselves: they are left out and named in [`Report::issues`].
//!
//! Each waiting task has one [`Wait`] in the report, which [`explain`] turns into a sentence.

mod account;
mod admit;
mod explain;
mod loss;
mod natural;
mod order;
mod place;
mod plan;
mod policy;
mod preempt;
mod priority;
mod quota;
mod relevel;
mod snapshot;
mod stock;
mod survey;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use explain::explain;
pub use plan::{Decision, Issue, Plan, Report, Wait, WaitReason};
pub use policy::Policy;
pub use priority::{Level, Priority, UnknownPriority};
pub use quota::{Limit, Limits, QuotaBook, QuotaFault, Usage};
pub use snapshot::{
    Exclusion, GroupName, Holder, Millis, Node, NodeName, Owner, Quota, QuotaKind, Readiness,
    Snapshot, Task, TaskKey, TaskState, User, UserGroup, UserName, ZoneName,
};

/// Decides what should change now, and says why everything else waits.
///
/// The report and `wake_at` are those of the state after the decisions. So planning again at the
/// same time, when they have been carried out, decides nothing and gives the same report.
pub fn plan(snapshot: &Snapshot, policy: &Policy) -> Plan {
    let book = QuotaBook::open(&snapshot.quotas, snapshot.now);
    let mut survey = survey::Survey::of(snapshot, policy);
    let relevelled = relevel::relevel(&mut survey, &book);
    let mut decisions = relevelled.decisions;
    loop {
        let round = round(&mut survey, &book, policy);
        if round.decisions.is_empty() {
            let issues = survey
                .issues
                .into_iter()
                .chain(book.into_issues())
                .collect();
            let report = Report::new(round.waiting, issues);
            return Plan {
                decisions,
                report,
                wake_at: plan::earliest(relevelled.wake_at, round.wake_at),
            };
        }
        decisions.extend(round.decisions);
    }
}

/// Serves the line of every group once. A second round finds nothing to do, but knows what the
/// first one used.
fn round<'a>(
    survey: &mut survey::Survey<'a>,
    book: &QuotaBook<'_>,
    policy: &Policy,
) -> place::Served<'a> {
    let admission = admit::admit(survey, book, policy);
    let mut all = place::Served {
        decisions: preempt::uphold(survey, &admission.in_line),
        waiting: admission.turned_away,
        wake_at: admission.wake_at,
    };
    for (group, queue) in order::queues(admission.in_line) {
        // Who is in line is so in a group that has nodes.
        let Some(stock) = survey.stocks.get_mut(group) else {
            continue;
        };
        let served = place::serve(stock, queue, &survey.runs);
        survey.note(&served.decisions);
        all.decisions.extend(served.decisions);
        all.waiting.extend(served.waiting);
        all.wake_at = plan::earliest(all.wake_at, served.wake_at);
    }
    all
}
