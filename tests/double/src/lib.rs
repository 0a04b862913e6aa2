//! A Kubernetes API server that is none, for tests: real HTTP for exactly what our client sends.
//!
//! ```text
//! server      connections, and how they break
//! http        requests in, answers and streams out, in the words of the API
//! store       objects, their versions, what happened to them, who goes with whom        pure
//! permission  what may be asked for                                                      pure
//! controller  what a cluster does by itself, a moment later
//! event       warnings about pods
//! fault       what goes wrong, by chance                                                 pure
//! chance      what is chosen, the same for the same seed                                 pure
//! kubelet     nodes whose pods do what a test says, or what their programs do
//! ```
//!
//! What is not known here is answered with 404 or 400, never with something invented.

mod chance;
mod controller;
mod event;
mod fault;
mod http;
mod kubelet;
mod object;
mod permission;
mod server;
mod store;
mod watch;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::task::JoinSet;

pub use chance::Chance;
pub use fault::Faults;
pub use kubelet::{
    Behave, Behaviour, Binary, End, Fate, Journal, KubeletOptions, Kubelets, Moment, ProcessOptions,
};
pub use object::Kind;
pub use store::{Key, Refusal};

use crate::fault::{CallFault, Disturbance, WatchFault};
use crate::permission::{Permissions, Wish};
use crate::server::Server;
use crate::store::Store;

/// A cluster without machines. It goes when this is dropped.
#[derive(Debug)]
pub struct Double {
    shared: Shared,
    server: Server,
    url: String,
    _controllers: JoinSet<()>,
}

/// Where a cluster has its time from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What every connection shares.
#[derive(Clone)]
pub(crate) struct Shared {
    clock: Clock,
    store: Arc<Mutex<Store>>,
    changed: tokio::sync::watch::Sender<u64>,
    /// How often all streams were broken.
    broken: tokio::sync::watch::Sender<u64>,
    permissions: Arc<Mutex<Permissions>>,
    disturbance: Arc<Mutex<Option<Disturbance>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            store: Arc::default(),
            changed: tokio::sync::watch::Sender::default(),
            broken: tokio::sync::watch::Sender::default(),
            permissions: Arc::default(),
            disturbance: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Looks at the store, or changes it; who watches is told.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        let now = self.now();
        let mut store = self.lock();
        store.set_now(now);
        let done = work(&mut store);
        self.changed.send_if_modified(|version| {
            let is_news = *version != store.version();
            *version = store.version();
            is_news
        });
        done
    }

    /// Whether something may be done.
    pub(crate) fn permit(&self, wish: &Wish) -> Result<(), Refusal> {
        locked(&self.permissions).check(wish)
    }

    pub(crate) fn fault_of_call(&self, what: &str) -> Option<CallFault> {
        locked(&self.disturbance).as_mut()?.of_call(what)
    }

    pub(crate) fn fault_of_watch(&self, what: &str) -> Option<WatchFault> {
        locked(&self.disturbance).as_mut()?.of_watch(what)
    }

    pub(crate) fn repeated(&self, what: &str) -> u64 {
        let mut disturbance = locked(&self.disturbance);
        { disturbance.as_mut() }.map_or(0, |disturbance| disturbance.repeated(what))
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        locked(&self.store)
    }
}

/// No step leaves it half changed, so a panic elsewhere does not matter.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Double {
    /// A cluster that answers on a free port of this machine, and whose clock stands still.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> Result<Self> {
        let always = DateTime::UNIX_EPOCH + TimeDelta::days(20_455);
        Self::start_at(Arc::new(move || always)).await
    }

    /// A cluster with a clock.
    ///
    /// # Errors
    /// If no port is free.
    #[expect(
        clippy::unused_async,
        reason = "it needs the runtime that it is awaited in"
    )]
    pub async fn start_at(clock: Clock) -> Result<Self> {
        let shared = Shared::new(clock);
        let server = Server::start(shared.clone())?;
        let url = format!("http://{}", server.address());
        let mut controllers = JoinSet::new();
        controllers.spawn(controller::add_accounts(shared.clone()));
        Ok(Self {
            shared,
            server,
            url,
            _controllers: controllers,
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn port(&self) -> u16 {
        self.server.address().port()
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

    /// Lets nobody watch from an earlier moment, or go on with a list, any more: whoever tries has to list again.
    pub fn forget_history(&self) {
        self.shared.with(Store::forget_history);
    }

    /// From now on calls and watches fail by chance.
    pub fn disturb(&self, faults: Faults) {
        *locked(&self.shared.disturbance) = Some(Disturbance::new(faults));
    }

    /// From now on nothing fails any more.
    pub fn calm(&self) {
        *locked(&self.shared.disturbance) = None;
    }

    /// Breaks every connection, and refuses new ones. The objects stay.
    pub async fn go_down(&self) {
        self.server.stop().await;
    }

    /// Answers again, where it did before.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub fn come_back(&self) -> Result<()> {
        self.server.answer()
    }

    /// Breaks every connection, refuses new ones for a moment, and answers again where it did before.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn restart(&self) -> Result<()> {
        self.go_down().await;
        // Whoever was waiting for an answer has the time to find out.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.come_back()
    }

    /// From now on only that is done which a rule of these roles (`Role`, `ClusterRole`) allows.
    pub fn allow_only(&self, roles: &[Value]) {
        *locked(&self.shared.permissions) = Permissions::only(roles);
    }

    /// What was not allowed, each once, in the words of the API server.
    pub fn refused(&self) -> Vec<String> {
        locked(&self.shared.permissions).refused()
    }
}
