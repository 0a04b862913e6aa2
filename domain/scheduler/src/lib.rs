//! What should run: a pure planner.
//!
//! ```text
//!  Snapshot ─▶ survey ─────▶ admit ──────▶ order ─────▶ place ──────▶ Plan
//!              which rows    who stands    in which     on which      decisions,
//!              make sense    in line, at   order        nodes         report, wake_at
//!                            which level
//! ```
//!
//! [`plan`] is a function of its arguments alone: no clock, no I/O, no randomness, and the order of
//! the rows in the snapshot does not matter. Its cost is that of sorting the tasks and the nodes.
//!
//! # The rules
//!
//! - **What runs stays.** An active task keeps its nodes until it gives them back itself; nobody is
//!   ever suspended. A node that is not ready is no capacity for a start, and concerns only the
//!   task that is on it.
//! - **Quota** is nodes per (user, group, level), resolved by [`QuotaBook`]. Active tasks use it
//!   with the nodes they still hold, draining ones too; waiting tasks in line have it promised to
//!   them, in their owner's order. [`Priority::Auto`] takes the first level of
//!   [`Policy::auto_levels`] with room; the choice is made anew in each plan while the task waits,
//!   and is final in its [`Decision::Start`].
//! - **Order** in a group is by level, then first come, first served by [`TaskKey`];
//!   [`Task::custom_rank`] reorders one user's own tasks.
//! - **Gangs**: a task gets all its nodes or none.
//! - **Head of line**: the first task of a group's line that does not fit stops all behind it in
//!   that group, so that a large task cannot be starved by small ones. Only tasks in line can do
//!   so. One that is held, in backoff, out of quota, of an inactive user, kept off too many nodes
//!   by its exclusions, or that can never run stands outside: it neither blocks anybody nor has
//!   quota promised to it.
//! - **Placement** stays in one zone if any zone has room, and then goes by node name.
//! - **Bad rows** cost only themselves: they are left out and named in [`Report::issues`].
//!
//! Each waiting task has one [`Wait`] in the report, which [`explain`] turns into a sentence.

mod account;
mod admit;
mod explain;
mod order;
mod place;
mod plan;
mod policy;
mod priority;
mod quota;
mod snapshot;
mod stock;
mod survey;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use explain::explain;
pub use plan::{Decision, Issue, Plan, Report, Wait, WaitReason};
pub use policy::Policy;
pub use priority::{Level, Priority, UnknownPriority};
pub use quota::{Limits, QuotaBook, QuotaFault, Usage};
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
    let mut survey = survey::Survey::of(snapshot);
    let mut decisions = Vec::new();
    loop {
        let round = round(&mut survey, &book, policy);
        if round.starts.is_empty() {
            let issues = survey
                .issues
                .into_iter()
                .chain(book.into_issues())
                .collect();
            let report = Report::new(round.waiting, issues);
            return Plan {
                decisions,
                report,
                wake_at: round.wake_at,
            };
        }
        survey.note(&round.starts);
        decisions.extend(round.starts.into_iter().map(Decision::from));
    }
}

/// Serves the line of every group once. A second round finds nothing to start, but knows what the
/// first one used.
fn round<'a>(
    survey: &mut survey::Survey<'a>,
    book: &QuotaBook<'_>,
    policy: &Policy,
) -> place::Served<'a> {
    let admission = admit::admit(survey, book, policy);
    let mut queues = order::queues(admission.in_line);
    let mut all = place::Served {
        starts: Vec::new(),
        waiting: admission.turned_away,
        wake_at: admission.wake_at,
    };
    for (group, stock) in &mut survey.stocks {
        let served = place::serve(stock, queues.remove(group).unwrap_or_default());
        all.starts.extend(served.starts);
        all.waiting.extend(served.waiting);
        all.wake_at = plan::earliest(all.wake_at, served.wake_at);
    }
    all
}
