//! Workers: loops that read what is, compare it with what should be, and make one step.
//!
//! A tick takes no input, is idempotent, and may be killed anywhere. A wake-up only makes it run earlier.

mod decisions;
mod driver;
mod event_keeper;
mod giving_way;
mod janitor;
mod launcher;
mod lead;
mod live;
mod node_watcher;
mod scheduler;
mod supervisor;
mod waits;

#[cfg(test)]
mod tests;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use driver::{Tick, Worker};
pub use event_keeper::EventKeeper;
pub use janitor::Janitor;
pub use launcher::Launcher;
pub use lead::lead;
pub use node_watcher::NodeWatcher;
pub use scheduler::Scheduler;
pub use supervisor::Supervisor;

pub(crate) use live::snapshot;
pub(crate) use scheduler::policy;

use crate::app::App;

/// How soon ranks are looked at again that are ending.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// Starts all workers; they stop when the token is cancelled.
fn start(app: &App, tracker: &TaskTracker, stop: &CancellationToken) {
    tracker.spawn(driver::drive(
        NodeWatcher::new(app.clone()),
        app.clone(),
        stop.clone(),
    ));
    tracker.spawn(driver::drive(
        Scheduler::new(app.clone()),
        app.clone(),
        stop.clone(),
    ));
    tracker.spawn(driver::drive(
        Launcher::new(app.clone()),
        app.clone(),
        stop.clone(),
    ));
    tracker.spawn(driver::drive(
        Supervisor::new(app.clone()),
        app.clone(),
        stop.clone(),
    ));
    tracker.spawn(driver::drive(
        Janitor::new(app.clone()),
        app.clone(),
        stop.clone(),
    ));
    tracker.spawn(driver::drive(
        EventKeeper::new(app.clone()),
        app.clone(),
        stop.clone(),
    ));
}
