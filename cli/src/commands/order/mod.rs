//! Orders to tasks: `stop`, `suspend`, `resume` to many, `priority` to one.

mod each;
mod kind;
mod priority;

pub(super) use each::run;
pub(super) use kind::Order;
pub(super) use priority::{level, run as run_priority};
