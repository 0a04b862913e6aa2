//! What other servers are still to be told: a queue with a bound, in which nothing stands twice.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Event;
use super::bus::CAPACITY;

/// Where the bus leaves what a relay is to carry. Nothing is kept while there is none.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    is_open: bool,
    /// In the order in which they were published first.
    events: Vec<Event>,
    known: HashSet<Event>,
    n_dropped: u64,
}

/// What is to be sent at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// Each once, in order.
    pub(super) events: Vec<Event>,
    /// How many more there were, for all of which there is one [`Event::Resync`].
    pub(super) n_dropped: u64,
}

impl Outbox {
    /// From now on somebody takes out what is put in.
    pub(super) fn open(&self) {
        self.lock().is_open = true;
    }

    /// Nobody does any more.
    pub(super) fn close(&self) {
        *self.lock() = Waiting::default();
    }

    /// One more to be sent; nothing if it stays in this process. Never waits.
    pub(super) fn put(&self, event: Event) {
        if travels(event) && self.lock().put(event) {
            self.filled.notify_one();
        }
    }

    /// Ends when there is something to take. Safe to cancel.
    pub(super) async fn filled(&self) {
        while self.lock().events.is_empty() {
            self.filled.notified().await;
        }
    }

    /// All there is.
    pub(super) fn take(&self) -> Batch {
        let mut waiting = self.lock();
        waiting.known.clear();
        Batch {
            events: mem::take(&mut waiting.events),
            n_dropped: mem::take(&mut waiting.n_dropped),
        }
    }

    /// Ends when everything was taken out.
    #[cfg(test)]
    pub(super) async fn emptied(&self) {
        while !self.lock().events.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// No step leaves it half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether there is more to take than before.
    fn put(&mut self, event: Event) -> bool {
        if !self.is_open || self.known.contains(&event) {
            return false;
        }
        // It says everything that others could say.
        if self.known.contains(&Event::Resync) {
            self.n_dropped += 1;
            return false;
        }
        if event == Event::Resync || self.events.len() == CAPACITY {
            let n_events = self.events.len() + usize::from(event != Event::Resync);
            self.n_dropped += u64::try_from(n_events).unwrap_or(u64::MAX);
            self.events.clear();
            self.known.clear();
            self.events.push(Event::Resync);
            return self.known.insert(Event::Resync);
        }
        self.events.push(event);
        self.known.insert(event)
    }
}

/// Whether other servers are told.
///
/// That a log grew is not for them. A server sees by itself that the logs grow which are followed there: it looks at
/// their lengths every few milliseconds, and opens them once a second, which is when a network file system shows what it
/// has hidden until then (see "From the line to the client" in `docs/architecture.md`). To tell each report of each rank
/// to every server would cost all of them more, the more tasks run, and would save at most that second for the few whose
/// logs somebody follows. The end of a rank, after which a log does not grow, comes as [`Event::Run`].
fn travels(event: Event) -> bool {
    !matches!(event, Event::Log(..))
}

#[cfg(test)]
mod tests {
    use entity::{RunId, TaskId};
    use futures_util::FutureExt;

    use super::*;

    fn open() -> Outbox {
        let outbox = Outbox::default();
        outbox.open();
        outbox
    }

    fn task(number: usize) -> Event {
        Event::Task(TaskId(i64::try_from(number).unwrap()))
    }

    #[tokio::test]
    async fn nothing_stands_in_it_twice_and_order_is_kept() {
        let outbox = open();
        assert_eq!(outbox.filled().now_or_never(), None);
        let run = Event::Run(TaskId(2), RunId(7));
        for event in [task(2), run, task(2), task(1), run] {
            outbox.put(event);
        }
        assert_eq!(outbox.filled().now_or_never(), Some(()));
        assert_eq!(outbox.take().events, [task(2), run, task(1)]);
        assert_eq!(outbox.filled().now_or_never(), None);
        outbox.put(task(2));
        assert_eq!(outbox.take().events, [task(2)], "after it was taken");
    }

    #[test]
    fn more_than_it_holds_is_one_word_that_says_everything() {
        let outbox = open();
        (0..CAPACITY).for_each(|number| outbox.put(task(number)));
        assert_eq!(outbox.take().events.len(), CAPACITY);
        (0..CAPACITY + 3).for_each(|number| outbox.put(task(number)));
        let n_dropped = u64::try_from(CAPACITY + 3).unwrap();
        let events = vec![Event::Resync];
        assert_eq!(outbox.take(), Batch { events, n_dropped });
        assert_eq!(outbox.take(), Batch::default());
    }

    #[test]
    fn nothing_is_kept_while_nobody_takes_it_out() {
        let outbox = Outbox::default();
        outbox.put(task(1));
        assert_eq!(outbox.take(), Batch::default());
        outbox.open();
        outbox.put(task(1));
        outbox.close();
        outbox.put(task(2));
        assert_eq!(outbox.take(), Batch::default());
    }

    #[test]
    fn that_a_log_grew_is_told_to_nobody_else() {
        let outbox = open();
        outbox.put(Event::Log(TaskId(1), 0));
        assert_eq!(outbox.take(), Batch::default());
    }
}
