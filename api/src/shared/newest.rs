//! States of one thing, each of which makes the one before it worthless.
//!
//! Whoever knows a state that is not the newest here may know a newer one, of another server, that nobody has looked at yet
//! here. So one that comes with another cursor makes the evaluation look again, and waits for that.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use crate::answer::Answer;

/// An answer, and the cursor of the state in it, if it has one.
type State = (Answer, Option<String>);
/// Where the newest comes, and the cursor of the one before.
type Newer = (watch::Receiver<Option<State>>, Option<String>);

/// One reading of the state: it satisfies all who asked for one before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Look(u64);

/// The newest answer; none before the first.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    state: watch::Sender<Option<State>>,
    /// The cursor of the next one, on its way beside the answer, which has it only if somebody asked for it. The next
    /// state is only read after the answer of the one before was taken.
    next: Mutex<Option<(String, Look)>>,
    /// How many have asked for a look.
    asked: watch::Sender<u64>,
    /// How many of them had asked before the last look began.
    looked: watch::Sender<u64>,
}

impl Newest {
    /// Begins a look, before anything is read.
    pub(crate) fn look(&self) -> Look {
        Look(*self.asked.borrow())
    }

    /// What the look has found will be the next answer, under this cursor.
    pub(crate) fn note(&self, cursor: String, look: Look) {
        *self.next() = Some((cursor, look));
    }

    /// The look has found the state that was given last.
    pub(crate) fn is_still(&self, look: Look) {
        self.looked.send_replace(look.0);
    }

    /// Waits until somebody asks for another look.
    pub(crate) async fn is_doubted(&self, look: Look) {
        // It cannot fail: this holds the other end.
        let _ = self.asked.subscribe().wait_for(|n| *n > look.0).await;
    }

    pub(super) fn give(&self, answer: Answer) {
        // None if it is about no state, for example a refusal.
        let (cursor, look) = self.next().take().unzip();
        self.state.send_if_modified(|state| {
            // What nobody has asked for is no news: the place in the line moves all the time.
            let shows =
                cursor.is_none() || state.as_ref().is_none_or(|(before, _)| *before != answer);
            *state = Some((answer, cursor));
            shows
        });
        if let Some(look) = look {
            self.is_still(look);
        }
    }

    pub(super) async fn closed(&self) {
        self.state.closed().await;
    }

    pub(super) fn is_left(&self) -> bool {
        self.state.receiver_count() == 0
    }

    /// What a subscriber gets that comes now and knows a state already.
    pub(super) fn listen(&self, after: Option<String>) -> BoxStream<'static, Answer> {
        let mut newest = self.state.subscribe();
        newest.mark_changed();
        let looked = self.look_for(after.as_deref());
        let states = stream::once(looked).flat_map(move |()| {
            let state = (newest.clone(), after.clone());
            stream::unfold(state, newer)
        });
        states.boxed()
    }

    /// Waits for a look, if the state that somebody knows is not the newest here.
    fn look_for(&self, after: Option<&str>) -> impl Future<Output = ()> + use<> {
        let state = self.state.borrow();
        let newest = state.as_ref().and_then(|(_, cursor)| cursor.as_deref());
        let is_asked = after.is_some() && after != newest;
        drop(state);
        let waiting = is_asked.then(|| {
            let mut number = 0;
            self.asked.send_modify(|n| {
                *n += 1;
                number = *n;
            });
            (self.looked.subscribe(), number)
        });
        async move {
            if let Some((mut looked, number)) = waiting {
                // If the evaluation ends, what it gave last is all there is.
                let _ = looked.wait_for(|n| *n >= number).await;
            }
        }
    }

    fn next(&self) -> MutexGuard<'_, Option<(String, Look)>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next state, unless it is the one before: states that a slow subscriber has missed may have led back to it.
async fn newer((mut newest, before): Newer) -> Option<(Answer, Newer)> {
    loop {
        newest.changed().await.ok()?;
        let state = newest.borrow_and_update().clone();
        let Some((answer, cursor)) = state else {
            continue;
        };
        if cursor.is_none() || cursor != before {
            return Some((answer, (newest, cursor)));
        }
    }
}
