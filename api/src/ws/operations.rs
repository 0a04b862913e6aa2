//! The operations that run on one connection, by the ids that the client chose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The operations of one connection. Shared between its reader and the operations themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Operations(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    operations: HashMap<String, (u64, CancellationToken)>,
    n_started: u64,
}

/// Why an operation cannot be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Its id belongs to one that still runs.
    IdTaken,
    /// There are too many.
    TooMany,
}

/// The place of one operation. It stays taken until the operation is over or the client has ended it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) cancelled: CancellationToken,
    number: u64,
    operations: Operations,
}

impl Operations {
    /// Makes room for an operation, if there are fewer than `most`.
    pub(super) fn start(&self, id: String, most: usize) -> Result<Place, Refused> {
        let mut running = self.lock();
        if running.operations.contains_key(&id) {
            return Err(Refused::IdTaken);
        }
        if running.operations.len() >= most {
            return Err(Refused::TooMany);
        }
        running.n_started += 1;
        let number = running.n_started;
        let cancelled = CancellationToken::new();
        running
            .operations
            .insert(id.clone(), (number, cancelled.clone()));
        Ok(Place {
            id,
            cancelled,
            number,
            operations: self.clone(),
        })
    }

    /// The client wants no more of an operation; one that is over already is no mistake.
    pub(super) fn cancel(&self, id: &str) {
        if let Some((_, cancelled)) = self.lock().operations.remove(id) {
            cancelled.cancel();
        }
    }

    /// Ends all.
    pub(super) fn cancel_all(&self) {
        for (_, (_, cancelled)) in self.lock().operations.drain() {
            cancelled.cancel();
        }
    }

    /// No step leaves the map half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The operation is over and its id is free. Says whether the client still waits for it; a client that has ended it
    /// may use the id for another one already.
    pub(super) fn finish(&self) -> bool {
        let mut running = self.operations.lock();
        let is_ours = running
            .operations
            .get(&self.id)
            .is_some_and(|(number, _)| *number == self.number);
        if is_ours {
            running.operations.remove(&self.id);
        }
        is_ours
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_be_used_again_once_its_operation_is_over() {
        let operations = Operations::default();
        let place = operations.start("1".into(), 9).unwrap();
        assert_eq!(
            operations.start("1".into(), 9).unwrap_err(),
            Refused::IdTaken
        );
        assert!(place.finish());
        operations.start("1".into(), 9).unwrap();
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let operations = Operations::default();
        let first = operations.start("1".into(), 2).unwrap();
        let _second = operations.start("2".into(), 2).unwrap();
        assert_eq!(
            operations.start("3".into(), 2).unwrap_err(),
            Refused::TooMany
        );
        drop(first);
        operations.start("3".into(), 2).unwrap();
    }

    #[test]
    fn an_operation_that_the_client_ended_leaves_its_successor_alone() {
        let operations = Operations::default();
        let first = operations.start("1".into(), 9).unwrap();
        operations.cancel("1");
        assert!(first.cancelled.is_cancelled());
        let second = operations.start("1".into(), 9).unwrap();
        assert!(!first.finish());
        drop(first);
        assert_eq!(
            operations.start("1".into(), 9).unwrap_err(),
            Refused::IdTaken
        );
        assert!(!second.cancelled.is_cancelled());
        operations.cancel_all();
        assert!(second.cancelled.is_cancelled());
    }
}
