//! A Kubernetes API server that is none, for tests: real HTTP for exactly what our client sends.
//!
//! ```text
//! http     requests in, answers and streams out, in the words of the API
//! store    objects, their versions, what happened to them, who goes with whom        pure
//! kubelet  nodes whose pods do what a test wants, through the store
//! ```
//!
//! What is not known here is answered with 404 or 400, never with something invented.

mod http;
mod kubelet;
mod object;
mod store;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use kubelet::End;
pub use object::Kind;
pub use store::{Key, Refusal};

use crate::store::Store;

/// A cluster without machines. It goes when this is dropped.
#[derive(Debug)]
pub struct Double {
    shared: Shared,
    url: String,
    _server: JoinSet<()>,
}

/// What every connection shares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared {
    store: Arc<Mutex<Store>>,
    changed: tokio::sync::watch::Sender<u64>,
    /// How often all streams were broken.
    broken: tokio::sync::watch::Sender<u64>,
}

impl Shared {
    /// Looks at the store, or changes it; who watches is told.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.lock();
        let done = work(&mut store);
        self.changed.send_replace(store.version());
        done
    }

    /// No step leaves it half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Double {
    /// A cluster that answers on a free port of this machine.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Shared::default();
        let routes = http::routes(shared.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            // It ends when it is dropped.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self {
            shared,
            url,
            _server: server,
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An object as it is now.
    pub fn get(&self, key: &Key) -> Option<Value> {
        self.shared.lock().get(key).ok()
    }

    /// Number of requests so far that have changed something.
    pub fn n_writes(&self) -> usize {
        self.shared.lock().n_writes()
    }

    /// Names of all objects of a kind.
    pub fn names(&self, kind: Kind) -> Vec<String> {
        self.shared.lock().names(kind)
    }

    /// Ends every stream. What happens before somebody comes again is told then.
    pub fn break_watches(&self) {
        self.shared.broken.send_modify(|times| *times += 1);
    }

    /// Lets nobody watch from an earlier moment any more: whoever tries has to list again.
    pub fn forget_history(&self) {
        self.shared.with(Store::forget_history);
    }
}
