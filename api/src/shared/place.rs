//! The cursor of a state on its way beside the answer, which has it only if somebody asked for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The cursor of the newest state that an evaluation has given. The next one is only made after its answer was taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place(Arc<Mutex<Option<String>>>);

impl Place {
    /// The next answer is about this state.
    pub(crate) fn note(&self, cursor: String) {
        *self.lock() = Some(cursor);
    }

    /// The state that the answer is about; none if it is about none, for example a refusal.
    pub(super) fn take(&self) -> Option<String> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
