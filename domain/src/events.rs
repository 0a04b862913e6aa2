//! Wake-ups inside this process: they say where to look, never what is there.
//!
//! Losing one costs a worker's period, never correctness. A receiver that was too slow gets [`Event::Resync`] and looks
//! everywhere.

use entity::{RunId, TaskId};
use tokio::sync::broadcast;

/// How many wake-ups a slow receiver may be behind before it has to look everywhere.
const CAPACITY: usize = 4096;

/// Where something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A task, or whether it may be planned.
    Task(TaskId),
    /// A run or one of its pods.
    Run(TaskId, RunId),
    /// The log of a rank of a task grew.
    Log(TaskId),
    /// A node's status or its holder.
    Nodes,
    /// Quotas or users: what may be planned.
    Quotas,
    /// Unknown: some wake-ups were lost.
    Resync,
}

/// The bus of one process.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl Events {
    /// Wakes whoever listens; nobody listening is fine.
    pub fn publish(&self, event: Event) {
        let _ = self.0.send(event);
    }

    /// Hears everything published from now on.
    pub fn subscribe(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// One receiver of wake-ups.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Event>);

impl Listener {
    /// The next wake-up; never ends while the process lives. Safe to cancel.
    pub async fn next(&mut self) -> Event {
        match self.0.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(_)) => Event::Resync,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }

    /// Forgets what is already waiting: the caller is about to look anyway.
    pub fn drain(&mut self) {
        self.0 = self.0.resubscribe();
    }
}
