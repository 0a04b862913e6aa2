//! Changes of many things, each of which counts.
//!
//! ```text
//! known to whoever comes ──▶ read for it alone, up to `from` ──▶ sent since `from` ──▶ live
//!         ▲                                                                             │ too slow
//!         └─────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Whoever gets changes all the time gets several at once: to wake thousands for each costs more than to tell it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::task::{Position, Snapshot};
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep};

use super::{Begin, Share};
use crate::answer::Answer;

/// How many changes a subscriber may be behind before it reads for itself.
const CAPACITY: usize = 1024;

/// So often a subscriber is woken, if there is always something for it; nobody sees more.
const PERIOD: Duration = Duration::from_millis(100);
/// How often it is woken at once after a time without changes.
const BURST: u32 = 8;

/// An answer, and the position behind the change in it; none if it is about none, for example a refusal.
type Change = (Answer, Option<Arc<Position>>);

/// The changes that everybody gets.
#[derive(Debug)]
pub(crate) struct Each {
    live: broadcast::Sender<Change>,
    interval: watch::Sender<Interval>,
    /// The position of the next one, on its way beside the answer, which has it only if somebody asked for it. The next
    /// change is only given after the answer of the one before was taken.
    next: Mutex<Option<Position>>,
}

/// What has been sent since all before was.
#[derive(Debug, Default)]
struct Interval {
    /// Everything visible in it has been sent; absent before the first look.
    from: Option<Snapshot>,
    sent: Vec<Change>,
}

impl Default for Each {
    fn default() -> Self {
        Self {
            live: broadcast::Sender::new(CAPACITY),
            interval: watch::Sender::default(),
            next: Mutex::default(),
        }
    }
}

impl Each {
    /// The next answer is about the change before this position.
    pub(crate) fn note(&self, position: Position) {
        *self.next() = Some(position);
    }

    /// All that was given before, and nothing else, is visible in it.
    pub(crate) fn read_to(&self, seen: &Snapshot) {
        self.interval.send_if_modified(|interval| {
            let is_new = interval.from.as_ref() != Some(seen);
            if is_new {
                interval.from = Some(seen.clone());
                interval.sent = Vec::new();
            }
            is_new
        });
    }

    pub(super) fn give(&self, answer: Answer) {
        let change = (answer, self.next().take().map(Arc::new));
        // Both at once, for whoever comes in between.
        self.interval.send_modify(|interval| {
            interval.sent.push(change.clone());
            // Nobody listening is fine: that ends the evaluation.
            let _ = self.live.send(change);
        });
    }

    pub(super) async fn closed(&self) {
        self.live.closed().await;
    }

    pub(super) fn is_left(&self) -> bool {
        self.live.receiver_count() == 0
    }

    /// What a subscriber gets that comes now, or that knows everything up to a position.
    pub(super) fn listen(
        &self,
        after: Option<Position>,
        begin: Begin,
    ) -> BoxStream<'static, Answer> {
        let mut subscriber = Subscriber {
            live: self.live.subscribe(),
            rested_at: Instant::now(),
            interval: self.interval.subscribe(),
            begin,
        };
        let stage = subscriber.joined(after.as_ref());
        let stage = stage.unwrap_or(Stage::Joining(after));
        stream::unfold(Some((subscriber, stage)), next).boxed()
    }

    fn next(&self) -> MutexGuard<'_, Option<Position>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Subscriber {
    live: broadcast::Receiver<Change>,
    /// When all of [`BURST`] is there again.
    rested_at: Instant,
    interval: watch::Receiver<Interval>,
    begin: Begin,
}

/// What comes next.
enum Stage {
    /// What it knows is compared with what the evaluation has given.
    Joining(Option<Position>),
    /// What it missed, then what comes.
    Reading(BoxStream<'static, Answer>, Listening),
    Listening(Listening),
}

/// How far a subscriber has come.
struct Listening {
    known: Position,
    last: Arc<Position>,
    /// Sent before it came, the newest first.
    sent: Vec<Change>,
}

impl Listening {
    /// Takes a change, unless it is known.
    fn take(&mut self, (answer, position): Change) -> Option<Answer> {
        if let Some(position) = position {
            if self.known.knows_last_of(&position) {
                return None;
            }
            self.last = position;
        }
        Some(answer)
    }
}

type Next = Option<(Subscriber, Stage)>;

/// The next answer; a failure is the last one.
async fn next(state: Next) -> Option<(Answer, Next)> {
    let (mut subscriber, mut stage) = state?;
    let (answer, stage) = loop {
        stage = match stage {
            Stage::Joining(after) => match subscriber.join(after).await {
                Some(stage) => stage,
                // It was over before it had begun; what it said last is told.
                None => break (subscriber.live.recv().await.ok()?.0, None),
            },
            Stage::Reading(mut missed, listening) => match missed.next().await {
                Some(answer) => break (answer, Some(Stage::Reading(missed, listening))),
                None => Stage::Listening(listening),
            },
            Stage::Listening(mut listening) => {
                let change = match listening.sent.pop() {
                    Some(change) => Ok(change),
                    None => subscriber.hear().await,
                };
                match change {
                    Ok(change) => match listening.take(change) {
                        Some(answer) => break (answer, Some(Stage::Listening(listening))),
                        None => Stage::Listening(listening),
                    },
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        Stage::Joining(Some(Position::clone(&listening.last)))
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        };
    };
    let is_last = matches!(answer, Answer::Failure { .. });
    let stage = stage.filter(|_| !is_last);
    Some((answer, stage.map(|stage| (subscriber, stage))))
}

impl Subscriber {
    /// The next change that is told to everybody; after a rest, if it is woken all the time.
    async fn hear(&mut self) -> Result<Change, broadcast::error::RecvError> {
        if self.live.is_empty() {
            let now = Instant::now();
            self.rested_at = self.rested_at.max(now) + PERIOD;
            let rest = (self.rested_at - now).saturating_sub(PERIOD * BURST);
            if !rest.is_zero() {
                sleep(rest).await;
            }
        }
        self.live.recv().await
    }

    /// Joins those who listen; absent if the evaluation has ended before its first look.
    async fn join(&mut self, after: Option<Position>) -> Option<Stage> {
        loop {
            if let Some(stage) = self.joined(after.as_ref()) {
                return Some(stage);
            }
            self.interval.changed().await.ok()?;
        }
    }

    /// Joins them now; absent if the evaluation has not begun.
    fn joined(&mut self, after: Option<&Position>) -> Option<Stage> {
        let interval = self.interval.borrow_and_update();
        let from = interval.from.clone()?;
        let Some(known) = after else {
            return Some(Stage::Listening(Listening::at(from)));
        };
        self.live = self.live.resubscribe();
        let sent = interval.sent.iter().rev().cloned().collect();
        drop(interval);
        Some(self.catch_up(known.clone(), from, sent))
    }

    fn catch_up(&self, known: Position, from: Snapshot, sent: Vec<Change>) -> Stage {
        let last = if known.is_behind(&from) {
            Position::at(from.clone())
        } else {
            known.clone()
        };
        let missed = (self.begin)(Share::Until(known.clone(), from));
        let listening = Listening {
            known,
            last: Arc::new(last),
            sent,
        };
        Stage::Reading(missed, listening)
    }
}

impl Listening {
    fn at(from: Snapshot) -> Self {
        let known = Position::at(from);
        Self {
            last: Arc::new(known.clone()),
            known,
            sent: Vec::new(),
        }
    }
}
