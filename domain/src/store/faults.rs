//! Lets a test make one write fail, before anything of it happened or when only the answer is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// Which write fails, and how many there were. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

/// When a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailWrite {
    /// Before it begins. What was read or done before it stays done; one that fails later and is rolled back leaves the
    /// same.
    Begin,
    /// When it is kept: only the answer is lost, and nobody is woken.
    Answer,
}

#[derive(Debug, Default)]
struct State {
    n_writes: u32,
    failure: Option<(u32, FailWrite)>,
}

impl Faults {
    /// Number of writes begun so far.
    pub fn n_writes(&self) -> u32 {
        self.state().n_writes
    }

    /// Makes one write fail: the `nth` from now on, from 1.
    pub fn fail_write(&self, nth: u32, at: FailWrite) {
        let mut state = self.state();
        state.failure = Some((state.n_writes + nth, at));
    }

    /// Counts a write that begins. Says whether its answer is to be lost.
    pub(super) fn begin(&self) -> Result<bool> {
        let mut state = self.state();
        state.n_writes += 1;
        let n_writes = state.n_writes;
        match state.failure.take_if(|(nth, _)| *nth == n_writes) {
            Some((_, FailWrite::Begin)) => Err(scripted_failure()),
            Some((_, FailWrite::Answer)) => Ok(true),
            None => Ok(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn scripted_failure() -> Error {
    Error::Unavailable {
        what: "the database",
        source: "the test wants it so".into(),
    }
}
