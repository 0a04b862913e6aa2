//! States of one thing, each of which makes the one before it worthless.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use crate::answer::Answer;

/// An answer, and the cursor of the state in it, if it has one.
type State = (Answer, Option<String>);
/// Where the newest comes, and the cursor of the one before.
type Newer = (watch::Receiver<Option<State>>, Option<String>);

/// The newest answer; none before the first.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    state: watch::Sender<Option<State>>,
    /// The cursor of the next one, on its way beside the answer, which has it only if somebody asked for it. The next
    /// state is only read after the answer of the one before was taken.
    cursor: Mutex<Option<String>>,
}

impl Newest {
    /// The next answer is about the state with this cursor.
    pub(crate) fn note(&self, cursor: String) {
        *self.cursor() = Some(cursor);
    }

    pub(super) fn give(&self, answer: Answer) {
        // None if it is about no state, for example a refusal.
        let cursor = self.cursor().take();
        self.state.send_if_modified(|state| {
            // What nobody has asked for is no news: the place in the line moves all the time.
            let shows =
                cursor.is_none() || state.as_ref().is_none_or(|(before, _)| *before != answer);
            *state = Some((answer, cursor));
            shows
        });
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
        stream::unfold((newest, after), newer).boxed()
    }

    fn cursor(&self) -> MutexGuard<'_, Option<String>> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
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
