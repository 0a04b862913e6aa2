//! A client of graphql-transport-ws: many operations over one WebSocket.
//!
//! A task owned by the [`Connection`] drives the socket. Results wait in a bounded queue per operation; when one is
//! full the whole connection stops reading until its [`Subscription`] is polled, so nothing grows without bound.
//! Invariant: whoever holds a subscription polls it or drops it.

mod address;
mod driver;
mod subscription;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use rustls::ClientConfig;
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::{Error, Operation};
use driver::{Command, Driver};

pub use subscription::Subscription;

/// How long a client waits.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For the whole of name resolution, TCP, TLS, upgrade, and the server's welcome.
    pub connect: Duration,
    /// Between two pings. A peer that stays silent for one to two of these is taken for dead.
    pub heartbeat: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            heartbeat: Duration::from_secs(10),
        }
    }
}

/// A WebSocket to the server on which operations run side by side. Dropping it ends all of them.
pub struct Connection {
    commands: mpsc::UnboundedSender<Command>,
    ended: Arc<OnceLock<Error>>,
    last_id: AtomicU64,
    driver: AbortOnDropHandle<()>,
    timing: Timing,
}

impl Connection {
    /// Connects to `<address>/graphql` and introduces itself with the token. The address is the base one, with the
    /// scheme http, https, ws, or wss.
    pub async fn open(address: &str, token: Option<&str>) -> Result<Self, Error> {
        Self::open_with(address, token, Timing::default()).await
    }

    /// The same, with a caller's own patience.
    pub async fn open_with(
        address: &str,
        token: Option<&str>,
        timing: Timing,
    ) -> Result<Self, Error> {
        Self::begin(address, token, None, timing).await
    }

    /// The same as [`Connection::open`], over TLS with a server that is told apart by more than its name, as by
    /// [`crate::trust_only`].
    pub async fn open_trusting(
        address: &str,
        token: Option<&str>,
        trust: Arc<ClientConfig>,
    ) -> Result<Self, Error> {
        Self::begin(address, token, Some(trust), Timing::default()).await
    }

    async fn begin(
        address: &str,
        token: Option<&str>,
        trust: Option<Arc<ClientConfig>>,
        timing: Timing,
    ) -> Result<Self, Error> {
        let uri = address::websocket(address)?;
        let socket = timeout(timing.connect, driver::connect(uri, token, trust))
            .await
            .map_err(|_elapsed| Error::Silent)??;
        let (commands, inbox) = mpsc::unbounded_channel();
        let ended = Arc::new(OnceLock::new());
        let driver = Driver::new(socket, inbox, timing.heartbeat).run(Arc::clone(&ended));
        let driver = AbortOnDropHandle::new(TaskTracker::new().spawn(driver));
        Ok(Self {
            commands,
            ended,
            last_id: AtomicU64::new(0),
            driver,
            timing,
        })
    }

    /// Starts an operation and gives its results: the `data` of each, or an error.
    ///
    /// A result with `errors` is an [`Error::Graphql`] or [`Error::Unauthenticated`] item, after which more may follow.
    /// The stream ends when the server completes the operation. If the connection is lost, the last item says why.
    /// Dropping the stream tells the server to stop.
    pub fn subscribe(&self, operation: Operation) -> Subscription {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed).to_string();
        let (results, queue) = mpsc::channel(driver::RESULTS_PER_OPERATION);
        // If the driver is gone, the queue is closed and the subscription's first item says why.
        let _ = self.commands.send(Command::Start {
            id: id.clone(),
            operation,
            results,
        });
        Subscription::new(id, queue, self.commands.clone(), Arc::clone(&self.ended))
    }

    /// Executes a query or mutation and gives its `data`. It waits as long as the server lives; callers with less
    /// patience wrap it in a timeout, and dropping it tells the server to stop.
    pub async fn execute(&self, operation: Operation) -> Result<Value, Error> {
        let mut results = self.subscribe(operation);
        let missing = || Error::Protocol("an operation completed without a result".to_owned());
        let first = results.next().await.ok_or_else(missing)?;
        // Waiting for the completion spares the server a superfluous `complete`.
        while let Some(more) = results.next().await {
            more?;
        }
        first
    }

    /// Says goodbye, so that the server need not find out.
    pub async fn close(self) {
        let _ = self.commands.send(Command::Close);
        // A peer that does not take the goodbye in time is left without one.
        let _ = timeout(self.timing.connect, self.driver).await;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("ended", &self.ended.get())
            .finish_non_exhaustive()
    }
}
