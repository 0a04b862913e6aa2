//! Runs: attempts of a task on fixed nodes.

mod change;
mod decide;
mod environment;
mod finding;
mod launch;
mod numbered;
mod order;
mod outcome;
mod query;
mod report;
mod requeue;
mod state;

#[cfg(test)]
mod tests;

pub use entity::pod::{Model as Pod, State as PodState};
pub use entity::run::{DrainReason, Model as Run, State};
pub use entity::{PodId, RunId};
pub use numbered::numbered;
pub use order::{changes_at, order};
pub use outcome::{End, outcome};
pub use query::{Page, get, list, order_of, pods_of};
pub use report::{RankReport, is_over, register, report};
pub use requeue::{Again, Next, requeue};
pub use state::{Deadlines, Grace, InvalidTransition, Phase, RunEvent, next, phase};

pub(crate) use change::{NewRun, advance, drain, end, hasten, insert, set_message, set_rendezvous};
pub(crate) use decide::{Decision, Limits, deadline, decide};
pub(crate) use finding::{Finding, find, note, stop_rest};
pub(crate) use launch::launch;
pub(crate) use report::apply;
