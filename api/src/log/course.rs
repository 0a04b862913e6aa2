//! What a follower of a log and whoever reads for it tell each other beside the request and its answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::logs::Cursor;

/// How somebody reads a log for others, and how far that has come.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// Where it begins; absent: where the request says.
    pub(super) after: Option<Cursor>,
    /// Where it ends.
    pub(super) until: Until,
    taken: Arc<Mutex<Option<Step>>>,
}

/// Where reading ends. In any case after the task has finished and everything was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// When there is no more for now.
    Now,
    /// At this place, or behind the item in which it lies.
    Place(Cursor),
    /// With the task.
    Ever,
}

/// One event, or the end of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// The place in front of it; absent: the beginning of the log.
    pub(super) start: Option<Cursor>,
    /// The place behind it.
    pub(super) cursor: Cursor,
    /// Whether it is the last of the log.
    pub(super) ended: bool,
}

impl Course {
    /// From a place on, or from where the request says.
    pub(super) fn new(after: Option<Cursor>, until: Until) -> Self {
        Self {
            after,
            until,
            taken: Arc::default(),
        }
    }

    /// The next answer is about this.
    pub(super) fn note(&self, step: Step) {
        *self.lock() = Some(step);
    }

    /// What the answer is about; none if it is about none, for example a refusal.
    pub(super) fn take(&self) -> Option<Step> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Step>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
