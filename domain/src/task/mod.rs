//! Tasks: what users submit.

mod change;
mod changes;
mod query;
mod reprioritize;
mod share;
mod shown;
mod spec;
mod state;
mod stop;
mod submit;
mod wait;

#[cfg(test)]
mod tests;

pub use changes::{Changes, Mark, NoPosition, Position, Snapshot, still_newest};
pub use entity::TaskId;
pub use entity::task::{Desired, Model as Task, Outcome, State, StopAs};
pub use query::{
    Cursor, Filter, Page, PageRequest, count, find_by_name, get, list, load, matching, runs_of,
    tags_of,
};
pub use reprioritize::{Lasts, Reprioritize, reprioritize};
pub use scheduler::Priority;
pub use share::share;
pub use shown::{ShownState, shown_state};
pub use spec::{SpecError, SpecErrors, TaskSpec, TaskType, shell_line};
pub use state::{InvalidTransition, TaskChange, TaskEvent, as_outcome, next, stop_code};
pub use stop::{resume, stop, suspend};
pub use submit::{Submit, Submits, submit, submit_together};
pub use wait::{Wait, wait};

pub(crate) use change::{exclude, finish, note_start, queue_again, start};
pub(crate) use reprioritize::write_priority;
