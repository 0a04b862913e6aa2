//! Keys that wait for their rows.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{App, Error, Result};
use tokio::sync::oneshot;

use super::Loaders;

/// Keys of one statement: SQLite takes a condition with a thousand parts at most.
const MOST_KEYS: usize = 500;

/// What rows are found by.
pub(crate) trait Key: Clone + Eq + Hash + Send + Sync + Sized + 'static {
    /// What is found.
    type Rows: Clone + Send + 'static;

    /// Where keys of this kind wait.
    fn queue(loaders: &Loaders) -> &Queue<Self>;

    /// Fetches the rows of all keys, of those that have any.
    fn fetch(
        app: &App,
        keys: &[Self],
    ) -> impl Future<Output = Result<HashMap<Self, Self::Rows>>> + Send;
}

/// The answer to one key; an error is shared by all who waited for the same statement.
pub(super) type Answer<K> = std::result::Result<Option<<K as Key>::Rows>, Arc<Error>>;

/// Who waits, by key.
pub(super) type Waiting<K> = HashMap<K, Vec<oneshot::Sender<Answer<K>>>>;

/// Keys of one kind that wait.
pub(crate) struct Queue<K: Key>(Mutex<Waiting<K>>);

impl<K: Key> Default for Queue<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Key> Queue<K> {
    pub(super) fn push(&self, key: K) -> oneshot::Receiver<Answer<K>> {
        let (answer, receiver) = oneshot::channel();
        self.lock().entry(key).or_default().push(answer);
        receiver
    }

    pub(super) fn take(&self) -> Waiting<K> {
        std::mem::take(&mut *self.lock())
    }

    /// No step leaves the map half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Waiting<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches rows and answers those who wait.
pub(super) async fn answer<K: Key>(app: &App, waiting: Waiting<K>) {
    let keys: Vec<K> = waiting.keys().cloned().collect();
    let fetched = fetch(app, &keys).await.map_err(Arc::new);
    for (key, receivers) in waiting {
        for receiver in receivers {
            let answer = match &fetched {
                Ok(rows) => Ok(rows.get(&key).cloned()),
                Err(error) => Err(Arc::clone(error)),
            };
            // Whoever is gone needs no answer.
            let _ = receiver.send(answer);
        }
    }
}

async fn fetch<K: Key>(app: &App, keys: &[K]) -> Result<HashMap<K, K::Rows>> {
    let mut rows = HashMap::new();
    for keys in keys.chunks(MOST_KEYS) {
        rows.extend(K::fetch(app, keys).await?);
    }
    Ok(rows)
}
