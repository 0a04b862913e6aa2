//! Sees that followed logs have grown, all of them in one look.
//!
//! An agent that told of each line would cost the server far more than the line: a report is an operation, a look is a
//! system call. A look at all logs is followed by a rest, the longer the more there are.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::logs::Mark;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

/// Least time between two looks: about half of it a line waits for its reader.
const SHORTEST: Duration = Duration::from_millis(5);
/// Looks take at most this part of the time of one thread.
const PART: u32 = 10;

/// The logs that are looked at.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    waiting: Vec<Waiting>,
    is_running: bool,
}

/// Somebody who waits until a log has passed its mark.
struct Waiting {
    mark: Mark,
    passed: oneshot::Sender<()>,
}

impl Waiting {
    /// Whether it has to wait on. Tells, if not.
    fn goes_on(self) -> Option<Self> {
        if self.passed.is_closed() {
            return None;
        }
        if self.mark.is_passed() {
            // Whoever has gone meanwhile was told by somebody else.
            let _ = self.passed.send(());
            return None;
        }
        Some(self)
    }
}

impl Watch {
    /// Ends when a log has passed its mark, or nobody can see that any more. The looks run on the tracker while somebody
    /// waits.
    pub(super) fn passed(&self, tracker: &TaskTracker, mark: Mark) -> oneshot::Receiver<()> {
        let (passed, receiver) = oneshot::channel();
        let mut watched = self.lock();
        watched.waiting.push(Waiting { mark, passed });
        if !mem::replace(&mut watched.is_running, true) {
            tracker.spawn(self.clone().look(tracker.clone()));
        }
        receiver
    }

    /// Looks again and again until nobody waits.
    async fn look(self, tracker: TaskTracker) {
        loop {
            let waiting = {
                let mut watched = self.lock();
                watched.is_running = !watched.waiting.is_empty();
                if !watched.is_running {
                    return;
                }
                mem::take(&mut watched.waiting)
            };
            let look = move || {
                let begin = Instant::now();
                let waiting: Vec<_> = waiting.into_iter().filter_map(Waiting::goes_on).collect();
                (waiting, begin.elapsed())
            };
            // Whoever waited in a look that broke off is told by that.
            let (waiting, took) = tracker.spawn_blocking(look).await.unwrap_or_default();
            self.lock().waiting.extend(waiting);
            sleep((took * (PART - 1)).max(SHORTEST)).await;
        }
    }

    /// No step leaves what is locked half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::logs::{LogStore, Most, RankLog};

    use super::*;

    #[tokio::test]
    async fn growth_is_seen_without_a_word_and_nobody_looks_for_nobody() {
        let root = tempfile::tempdir().unwrap();
        let log = RankLog {
            user: "ann".to_owned(),
            task: 7,
            rank: 0,
            runs: vec![1],
        };
        let store = LogStore::new(root.path().into());
        let dir = store.rank_dir("ann", 7, 1, 0);
        let after = "1.0.0".parse().unwrap();
        let mut tail = store.tail(log, after);
        let most = Most {
            items: 9,
            bytes: 99,
        };
        tail.read(most, false).unwrap();
        let (watch, tracker) = (Watch::default(), TaskTracker::new());
        let left = watch.passed(&tracker, tail.mark().unwrap());
        let passed = watch.passed(&tracker, tail.mark().unwrap());
        drop(left);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("{:020}.log", 0)), "one\n").unwrap();
        passed.await.unwrap();
        tracker.close();
        tracker.wait().await;
        assert!(!watch.lock().is_running);
    }
}
