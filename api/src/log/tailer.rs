//! One reader for everybody who is at the end of the same log.
//!
//! ```text
//! wake-ups of the task ──┬──▶ tailer ──▶ what the log grew by ──┬──▶ follower
//! looks at its files   ──┘    one per log, reads by pread       └──▶ follower
//! ```
//!
//! A tailer does not wait for its followers, and keeps for them only the newest pieces: whoever is too slow reads by
//! itself from its cursor until it has caught up.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::events::LogListener;
use domain::logs::{Cursor, Growth, LogError, Mark, Most, RankLog, Tail};
use domain::task::{self, State, Task, TaskId};
use domain::{App, Error, Result};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::object::LogItem;
use super::reader::{MOST_BYTES, MOST_ITEMS};
use super::watch::Watch;

/// How many pieces a follower may be behind.
const CAPACITY: usize = 16;
/// How long a line may stay unfinished before its beginning is given out.
const UNFINISHED: Duration = Duration::from_millis(200);
/// How often to look without being woken: shared file systems tell nobody.
const PERIOD: Duration = Duration::from_secs(1);
const MOST: Most = Most {
    items: MOST_ITEMS,
    bytes: MOST_BYTES,
};

/// What a log grew by, the same for all its followers.
pub(super) struct Piece {
    /// The place in front of it.
    pub(super) start: Cursor,
    /// Lines and holes, each with the place behind it.
    pub(super) items: Vec<(Cursor, Arc<LogItem>)>,
    /// The place behind it.
    pub(super) cursor: Cursor,
    /// Whether it is the last: the task has finished.
    pub(super) ended: bool,
}

impl Piece {
    /// What of it is behind a place; `None` if that does not begin there, or is nothing.
    pub(super) fn behind(&self, place: Cursor) -> Option<&[(Cursor, Arc<LogItem>)]> {
        let n_known = self.items.partition_point(|(cursor, _)| *cursor <= place);
        let start = match n_known.checked_sub(1) {
            Some(last) => self.items[last].0,
            None => self.start,
        };
        let rest = &self.items[n_known..];
        (start == place && (self.ended || !rest.is_empty())).then_some(rest)
    }
}

/// The tailers that run.
#[derive(Clone, Default)]
pub(crate) struct Tailers {
    running: Arc<Mutex<Ends>>,
    watch: Watch,
}

/// The ends that are followed, by task and rank.
type Ends = HashMap<(TaskId, u32), Arc<End>>;

/// The end of a log that is being followed.
struct End {
    pieces: broadcast::Sender<Arc<Piece>>,
    /// Where the next piece begins.
    place: Mutex<Cursor>,
}

/// A place at the end of a log, beside others.
pub(super) struct Seat {
    pieces: broadcast::Receiver<Arc<Piece>>,
    /// Where the first piece will begin.
    pub(super) place: Cursor,
}

impl Seat {
    /// The next piece; `None` if the follower was too slow, or the tailer broke off.
    pub(super) async fn next(&mut self) -> Option<Arc<Piece>> {
        self.pieces.recv().await.ok()
    }
}

impl Tailers {
    /// Takes a seat at the end of a log: of the tailer that runs already, else of a new one, which begins at `after` and
    /// runs on the tracker until the task has finished or nobody follows any more.
    pub(super) fn join(
        &self,
        app: &App,
        tracker: &TaskTracker,
        log: RankLog,
        after: Cursor,
    ) -> Seat {
        let key = (TaskId(log.task), log.rank);
        // Ranks are counted in the database.
        let rank = i32::try_from(log.rank).unwrap_or(i32::MAX);
        let mut running = lock(&self.running);
        if let Some(end) = running.get(&key) {
            // The lock keeps the tailer from giving out a piece in between.
            let place = lock(&end.place);
            return Seat {
                pieces: end.pieces.subscribe(),
                place: *place,
            };
        }
        let (sender, pieces) = broadcast::channel(CAPACITY);
        let end = Arc::new(End {
            pieces: sender,
            place: Mutex::new(after),
        });
        running.insert(key, Arc::clone(&end));
        drop(running);
        let tailer = Tailer {
            tailers: self.clone(),
            key,
            end,
            listener: app.events.follow_log(key.0, rank),
            app: app.clone(),
            tracker: tracker.clone(),
        };
        tracker.spawn(tailer.run(app.logs.tail(log, after)));
        Seat {
            pieces,
            place: after,
        }
    }
}

/// No step leaves what is locked half changed, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One that runs.
struct Tailer {
    tailers: Tailers,
    key: (TaskId, u32),
    end: Arc<End>,
    listener: LogListener,
    app: App,
    tracker: TaskTracker,
}

/// What ended the wait of a tailer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// The task or a run of it changed.
    Changed,
    /// A log of the task may have grown.
    Grew,
    /// Nobody follows any more.
    Left,
}

impl Tailer {
    async fn run(mut self, tail: Tail) {
        if let Err(error) = self.follow(tail).await {
            // Its followers go on by themselves, and tell their clients if that fails as well.
            tracing::warn!(task.id = self.key.0.0, %error, "a log is not followed any more");
        }
    }

    async fn follow(&mut self, mut tail: Tail) -> Result<()> {
        let mut task = self.task().await?;
        let mut looked_up = Instant::now();
        let mut listed = Instant::now();
        let mut unfinished_since: Option<Instant> = None;
        loop {
            // Invariant: the task was read before its log. If it had finished by then, nothing is missing from the log.
            let is_over = task.state == State::Finished;
            tail.set_runs((1..=task.run_count).collect());
            if is_over {
                // The last file may have begun behind a hole.
                tail.look_again();
            }
            let is_late = unfinished_since.is_some_and(|since| since.elapsed() >= UNFINISHED);
            let start = tail.cursor();
            let growth;
            (tail, growth) = self.read(tail, is_over || is_late).await?;
            let ended = is_over && !growth.has_more;
            let has_more = growth.has_more;
            let grew = !growth.items.is_empty();
            if grew || ended {
                self.give(start, growth, tail.cursor(), ended);
            }
            if ended {
                return Ok(());
            }
            unfinished_since = match unfinished_since {
                _ if !tail.has_unfinished() => None,
                Some(since) if !grew => Some(since),
                _ => Some(Instant::now()),
            };
            if has_more {
                if self.is_left() {
                    return Ok(());
                }
                continue;
            }
            let woken = self.wait(tail.mark(), unfinished_since).await;
            if woken == Woken::Left {
                return Ok(());
            }
            // Behind a hole the next file has a name that cannot be known; wake-ups may be about other ranks.
            if !grew && listed.elapsed() >= PERIOD {
                tail.look_again();
                listed = Instant::now();
            }
            if woken == Woken::Changed || looked_up.elapsed() >= self.app.settings.period {
                task = self.task().await?;
                looked_up = Instant::now();
            }
        }
    }

    /// Looks the task up: each of its followers has been allowed to see it.
    async fn task(&self) -> Result<Task> {
        let id = self.key.0;
        let found = task::load(self.app.reader(), &[id]).await?.pop();
        found.ok_or_else(|| Error::not_found("task", id))
    }

    async fn read(&self, mut tail: Tail, partial: bool) -> Result<(Tail, Growth)> {
        let reading = self.tracker.spawn_blocking(move || {
            let growth = tail.read(MOST, partial)?;
            Ok::<_, LogError>((tail, growth))
        });
        reading
            .await
            .map_err(|error| Error::Internal(error.into()))?
            .map_err(|error| Error::Internal(error.into()))
    }

    /// Gives it to whoever follows now.
    fn give(&self, start: Cursor, growth: Growth, cursor: Cursor, ended: bool) {
        let items = growth.items.into_iter();
        let piece = Arc::new(Piece {
            start,
            items: items
                .map(|item| (item.cursor_after, Arc::new(LogItem::from(item))))
                .collect(),
            cursor,
            ended,
        });
        let mut place = lock(&self.end.place);
        *place = cursor;
        // Nobody following is fine: that ends the next wait.
        let _ = self.end.pieces.send(piece);
    }

    /// Waits for more, or until it is time to give out an unfinished line.
    async fn wait(&mut self, mark: Option<Mark>, unfinished_since: Option<Instant>) -> Woken {
        let rest = unfinished_since
            .and_then(|since| UNFINISHED.checked_sub(since.elapsed()))
            .filter(|rest| !rest.is_zero());
        let mut passed = mark.map(|mark| self.tailers.watch.passed(&self.tracker, mark));
        loop {
            let passed = async {
                match &mut passed {
                    Some(passed) => passed.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.end.pieces.closed() => if self.is_left() {
                    return Woken::Left;
                },
                changed = self.listener.changed_or_grew() => {
                    return if changed { Woken::Changed } else { Woken::Grew };
                }
                _ = passed => return Woken::Grew,
                () = sleep(rest.unwrap_or(PERIOD)) => return Woken::Grew,
            }
        }
    }

    /// Whether really nobody follows: then nobody joins any more either.
    fn is_left(&self) -> bool {
        let mut running = lock(&self.tailers.running);
        let is_left = self.end.pieces.receiver_count() == 0;
        if is_left {
            self.forget(&mut running);
        }
        is_left
    }

    /// A successor for the same log stays.
    fn forget(&self, running: &mut Ends) {
        if let Some(end) = running.get(&self.key)
            && Arc::ptr_eq(end, &self.end)
        {
            running.remove(&self.key);
        }
    }
}

/// However it ends, nobody joins it afterwards, and those who follow learn of the end.
impl Drop for Tailer {
    fn drop(&mut self) {
        self.forget(&mut lock(&self.tailers.running));
    }
}
