//! Wake-ups inside one process: they say where to look, never what is there.
//!
//! ```text
//! publish ──▶ the bus       workers, which look everywhere     (everything but logs)
//!         ├─▶ by task       who follows just that task         (its changes, or the log of one rank)
//!         └─▶ by user       who goes on in his name            (that he may do something else now)
//! ```
//!
//! Losing one costs a worker's period, never correctness. A receiver that was too slow gets [`Event::Resync`] and looks
//! everywhere. What happens to one task costs nothing for the followers of all others. What is published here is told to
//! other servers too, if there is a [relay](super::Relay) that does it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::TaskId;
use tokio::sync::{broadcast, watch};

use super::Event;
use super::outbox::Outbox;
use crate::auth::AccessTopics;

/// How many wake-ups a slow receiver may be behind before it has to look everywhere.
pub(super) const CAPACITY: usize = 4096;

/// The bus of one process.
#[derive(Debug, Clone)]
pub struct Events(Arc<Bus>);

#[derive(Debug)]
struct Bus {
    everything: broadcast::Sender<Event>,
    tasks: Mutex<HashMap<TaskId, Topic>>,
    access: AccessTopics,
    outbox: Outbox,
    is_cut_off: AtomicBool,
}

/// A task that somebody follows.
#[derive(Debug, Default)]
struct Topic {
    changes: watch::Sender<()>,
    /// Of the ranks whose logs are followed.
    logs: HashMap<i32, watch::Sender<()>>,
    n_listeners: usize,
}

impl Default for Events {
    fn default() -> Self {
        Self(Arc::new(Bus {
            everything: broadcast::channel(CAPACITY).0,
            tasks: Mutex::default(),
            access: AccessTopics::default(),
            outbox: Outbox::default(),
            is_cut_off: AtomicBool::new(false),
        }))
    }
}

impl Events {
    /// Wakes whoever listens, here and on other servers; nobody listening is fine. Never waits and never fails.
    pub fn publish(&self, event: Event) {
        self.wake(event);
        self.0.outbox.put(event);
    }

    /// Wakes whoever listens here.
    pub(super) fn wake(&self, event: Event) {
        match event {
            Event::Task(id) | Event::Wait(id) | Event::Run(id, _) => {
                if let Some(topic) = self.topics().get(&id) {
                    topic.changes.send_replace(());
                }
            }
            Event::Log(id, rank) => {
                let topics = self.topics();
                if let Some(log) = topics.get(&id).and_then(|topic| topic.logs.get(&rank)) {
                    log.send_replace(());
                }
                // There are far more of these than of all others: they would crowd those out.
                return;
            }
            Event::Resync => {
                for topic in self.topics().values() {
                    topic.changes.send_replace(());
                }
                self.0.access.unknown();
            }
            Event::Access(id) => self.0.access.changed(id),
            Event::Nodes | Event::Quotas => {}
        }
        let _ = self.0.everything.send(event);
    }

    /// Whether nothing is heard of other servers although there is a relay: what they publish is found by looking only.
    pub fn is_cut_off(&self) -> bool {
        self.0.is_cut_off.load(Ordering::Relaxed)
    }

    pub(super) fn set_cut_off(&self, is_cut_off: bool) {
        self.0.is_cut_off.store(is_cut_off, Ordering::Relaxed);
    }

    /// What other servers are to be told.
    pub(super) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// Hears everything published from now on, except that logs grew.
    pub fn subscribe(&self) -> Listener {
        Listener(self.0.everything.subscribe())
    }

    /// For those who go on in the name of a user.
    pub fn access(&self) -> &AccessTopics {
        &self.0.access
    }

    /// Hears what happens to one task from now on.
    pub fn follow(&self, id: TaskId) -> TaskListener {
        let mut topics = self.topics();
        let topic = topics.entry(id).or_default();
        topic.n_listeners += 1;
        TaskListener {
            changes: topic.changes.subscribe(),
            events: self.clone(),
            id,
        }
    }

    /// Hears what happens to one task and the log of one rank of it from now on.
    pub fn follow_log(&self, id: TaskId, rank: i32) -> LogListener {
        let task = self.follow(id);
        let mut topics = self.topics();
        // The listener above keeps the topic.
        let log = topics.entry(id).or_default().logs.entry(rank).or_default();
        LogListener {
            growth: log.subscribe(),
            task,
            rank,
        }
    }

    /// No step leaves the map half changed, so a panic elsewhere does not matter.
    fn topics(&self) -> MutexGuard<'_, HashMap<TaskId, Topic>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
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

/// One receiver of the wake-ups of one task. It is never too slow: many are as good as one.
#[derive(Debug)]
pub struct TaskListener {
    changes: watch::Receiver<()>,
    events: Events,
    id: TaskId,
}

impl TaskListener {
    /// Waits until the task, a run of it or one of its pods changes. Safe to cancel.
    pub async fn changed(&mut self) {
        heard(&mut self.changes).await;
    }

    /// Forgets what it has heard: the caller is about to look anyway.
    pub fn drain(&mut self) {
        self.changes.mark_unchanged();
    }
}

/// One receiver of the wake-ups of the log of one rank.
#[derive(Debug)]
pub struct LogListener {
    task: TaskListener,
    growth: watch::Receiver<()>,
    rank: i32,
}

impl LogListener {
    /// Waits until the task changes or the log grows, and says whether it was the first. Safe to cancel.
    pub async fn changed_or_grew(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.task.changed() => true,
            () = heard(&mut self.growth) => false,
        }
    }
}

async fn heard(receiver: &mut watch::Receiver<()>) {
    if receiver.changed().await.is_err() {
        // The topic outlives its listeners, so this does not happen.
        std::future::pending().await
    }
}

impl Drop for TaskListener {
    fn drop(&mut self) {
        let mut topics = self.events.topics();
        if let Some(topic) = topics.get_mut(&self.id) {
            topic.n_listeners -= 1;
            if topic.n_listeners == 0 {
                topics.remove(&self.id);
            }
        }
    }
}

impl Drop for LogListener {
    fn drop(&mut self) {
        let mut topics = self.task.events.topics();
        if let Some(topic) = topics.get_mut(&self.task.id)
            && let Some(log) = topic.logs.get(&self.rank)
            && log.receiver_count() == 1
        {
            topic.logs.remove(&self.rank);
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::RunId;
    use futures_util::FutureExt;

    use super::*;

    const ONE: TaskId = TaskId(1);
    const OTHER: TaskId = TaskId(2);

    #[tokio::test]
    async fn what_happens_to_a_task_wakes_its_followers_only() {
        let events = Events::default();
        let mut one = events.follow(ONE);
        let mut log = events.follow_log(ONE, 0);
        let mut other = events.follow_log(OTHER, 0);
        events.publish(Event::Run(ONE, RunId(7)));
        assert_eq!(one.changed().now_or_never(), Some(()));
        assert_eq!(log.changed_or_grew().now_or_never(), Some(true));
        assert_eq!(other.changed_or_grew().now_or_never(), None);
        events.publish(Event::Resync);
        for log in [&mut log, &mut other] {
            assert_eq!(log.changed_or_grew().now_or_never(), Some(true));
        }
    }

    #[tokio::test]
    async fn a_log_that_grows_wakes_the_followers_of_its_rank_only() {
        let events = Events::default();
        let mut task = events.follow(ONE);
        let [mut first, mut second] = [0, 1].map(|rank| events.follow_log(ONE, rank));
        events.publish(Event::Log(ONE, 1));
        events.publish(Event::Log(ONE, 1));
        assert_eq!(second.changed_or_grew().now_or_never(), Some(false));
        assert_eq!(second.changed_or_grew().now_or_never(), None);
        assert_eq!(first.changed_or_grew().now_or_never(), None);
        assert_eq!(task.changed().now_or_never(), None);
    }

    #[tokio::test]
    async fn logs_do_not_crowd_out_what_workers_hear() {
        let events = Events::default();
        let mut listener = events.subscribe();
        events.publish(Event::Task(ONE));
        for _ in 0..=CAPACITY {
            events.publish(Event::Log(ONE, 0));
        }
        assert_eq!(listener.next().await, Event::Task(ONE));
        assert_eq!(listener.next().now_or_never(), None);
    }

    #[test]
    fn a_log_that_nobody_follows_is_forgotten() {
        let events = Events::default();
        let [first, second, other] = [0, 0, 1].map(|rank| events.follow_log(ONE, rank));
        let n_logs = || events.topics().get(&ONE).map(|topic| topic.logs.len());
        drop(first);
        assert_eq!(n_logs(), Some(2));
        drop(second);
        assert_eq!(n_logs(), Some(1));
        drop(other);
        assert_eq!(n_logs(), None);
    }

    #[test]
    fn a_task_that_nobody_follows_is_forgotten() {
        let events = Events::default();
        let followers = [events.follow(ONE), events.follow(ONE), events.follow(OTHER)];
        assert_eq!(events.topics().len(), 2);
        drop(followers);
        assert!(events.topics().is_empty());
    }
}
