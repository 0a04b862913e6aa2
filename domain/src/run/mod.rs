//! Runs: attempts of a task on fixed nodes.

mod agent_calls;
mod change;
mod decide;
#[cfg(test)]
mod decide_tests;
mod ending;
mod environment;
mod event;
mod finding;
mod grace;
mod launch;
mod numbered;
mod order;
mod outcome;
mod query;
mod report;
mod requeue;
mod restart;
mod state;

#[cfg(test)]
mod tests;

pub use agent_calls::{report_failure, set_life_state, set_priority};
pub use entity::pod::{Model as Pod, State as PodState, Suspend as PodSuspend};
pub use entity::rank_event::Model as RankEvent;
pub use entity::run::{DrainReason, Model as Run, State};
pub use entity::{PodId, RunId};
pub use event::events_of;
pub use grace::{Deadlines, Grace, Graces};
pub use numbered::numbered;
pub use order::{changes_at, order};
pub use outcome::{End, outcome};
pub use query::{Page, get, list, order_of, pods_of};
pub use report::{RankReport, is_over, register, report, take_report};
pub use requeue::{Again, Next, requeue};
pub use restart::{Moved, is_spoilt, why_again};
pub use state::{InvalidTransition, Phase, RunEvent, next, phase};

/// The states of runs that are not over, as a list, because the database finds these by its index.
pub(crate) const OPEN: [State; 3] = [State::Starting, State::Running, State::Draining];

/// Under which name the runtime knows a rank.
pub(crate) fn rank_key(run: &Run, pod: &Pod) -> crate::Result<crate::runtime::RankKey> {
    Ok(crate::runtime::RankKey {
        task: run.task_id.0,
        run: run.number,
        rank: u32::try_from(pod.rank)
            .map_err(|_| crate::Error::internal(format!("pod {} has a negative rank", pod.id)))?,
    })
}

pub(crate) use change::{
    NewRun, advance, drain, end, hasten, insert, set_level, set_message, set_rendezvous,
};
pub(crate) use decide::{Decision, Limits, deadline, decide};
pub(crate) use ending::{message, ordered};
pub(crate) use event::keep_events;
pub(crate) use finding::{Finding, find, note, stop_rest};
pub(crate) use launch::launch;
pub(crate) use report::apply;
