//! Follows the log of a rank to the end of its task, over as many connections as it takes.

mod follower;
mod live;
mod patience;
mod told;

pub(crate) use follower::{Follow, follow};
pub(crate) use live::{Loss, closed, loss, operation, read};
