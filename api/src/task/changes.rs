//! Which tasks changed since somebody looked: each once, however often it changed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use domain::events::{Event, Events, Listener};
use domain::task::TaskId;
use domain::{Error, Result};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Tasks remembered for a reader that does not come.
const MOST_CHANGED: usize = 10_000;

/// Collects changes beside the reader, so that a slow reader loses none of the wake-ups.
pub(super) struct Changes {
    shared: Arc<Shared>,
    /// Ends the collector when this is dropped.
    _stop: DropGuard,
}

#[derive(Default)]
struct Shared {
    collected: Mutex<Collected>,
    more: Notify,
}

#[derive(Default)]
struct Collected {
    tasks: BTreeSet<TaskId>,
    /// Whether there were changes that are not in `tasks`.
    is_incomplete: bool,
}

impl Changes {
    /// Collects from now on.
    pub(super) fn collect(events: &Events, tracker: &TaskTracker) -> Self {
        let shared = Arc::new(Shared::default());
        let stop = CancellationToken::new();
        let collector = collect(Arc::clone(&shared), events.subscribe());
        tracker.spawn(stop.clone().run_until_cancelled_owned(collector));
        Self {
            shared,
            _stop: stop.drop_guard(),
        }
    }

    /// Waits for a task that changed.
    ///
    /// # Errors
    /// [`Error::Conflict`] if changes were lost.
    pub(super) async fn next(&mut self) -> Result<TaskId> {
        loop {
            match self.shared.take()? {
                Some(id) => return Ok(id),
                None => self.shared.more.notified().await,
            }
        }
    }
}

impl Shared {
    fn take(&self) -> Result<Option<TaskId>> {
        let mut collected = self.lock();
        if collected.is_incomplete {
            let advice = "some changes were lost: subscribe again, then read the list";
            return Err(Error::Conflict(advice.to_owned()));
        }
        Ok(collected.tasks.pop_first())
    }

    fn add(&self, event: Event) {
        let mut collected = self.lock();
        match event {
            Event::Task(id) | Event::Wait(id) | Event::Run(id, _) => {
                if collected.tasks.len() < MOST_CHANGED {
                    collected.tasks.insert(id);
                } else {
                    collected.is_incomplete = true;
                }
            }
            Event::Resync => collected.is_incomplete = true,
            Event::Log(_) | Event::Nodes | Event::Quotas => return,
        }
        drop(collected);
        self.more.notify_one();
    }

    /// A set that a panic interrupted is still a set.
    fn lock(&self) -> std::sync::MutexGuard<'_, Collected> {
        self.collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn collect(shared: Arc<Shared>, mut listener: Listener) {
    loop {
        shared.add(listener.next().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> (Events, TaskTracker, Changes) {
        let events = Events::default();
        let tracker = TaskTracker::new();
        let changes = Changes::collect(&events, &tracker);
        (events, tracker, changes)
    }

    #[tokio::test]
    async fn a_task_that_changed_often_is_told_once() {
        let (events, _tracker, mut changes) = changes();
        for id in [3, 3, 5, 3] {
            events.publish(Event::Task(TaskId(id)));
        }
        events.publish(Event::Log(TaskId(4)));
        events.publish(Event::Task(TaskId(9)));
        let mut seen = Vec::new();
        while seen.last() != Some(&9) {
            seen.push(changes.next().await.unwrap().0);
        }
        assert_eq!(seen, [3, 5, 9]);
    }

    #[test]
    fn a_reader_who_does_not_come_is_told_that_changes_were_lost() {
        let shared = Shared::default();
        for id in 0..=10_000 {
            shared.add(Event::Task(TaskId(id)));
        }
        assert!(matches!(shared.take(), Err(Error::Conflict(_))));
        let shared = Shared::default();
        shared.add(Event::Resync);
        assert!(matches!(shared.take(), Err(Error::Conflict(_))));
    }

    #[tokio::test]
    async fn the_collector_ends_with_its_reader() {
        let (_events, tracker, changes) = changes();
        drop(changes);
        tracker.close();
        tracker.wait().await;
    }
}
