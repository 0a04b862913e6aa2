//! A relay within one process, for tests.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{Heard, Link, Receiver, Relay, RelayError, Sender};

/// Messages that a receiver may be behind.
const CAPACITY: usize = 1024;

/// Joins whoever has a copy of it.
#[derive(Debug, Clone, Default)]
pub struct MemoryRelay(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// That of the connections which are not cut.
    messages: Arc<broadcast::Sender<String>>,
    is_away: bool,
    is_deaf: bool,
    n_connections: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            messages: Arc::new(broadcast::Sender::new(CAPACITY)),
            is_away: false,
            is_deaf: false,
            n_connections: 0,
        }
    }
}

impl MemoryRelay {
    /// Loses all connections, and takes no new ones until it is [back](Self::come_back).
    pub fn go_away(&self) {
        self.cut();
        self.with(|state| state.is_away = true);
    }

    /// Takes connections again.
    pub fn come_back(&self) {
        self.with(|state| state.is_away = false);
    }

    /// Loses all connections.
    pub fn cut(&self) {
        self.with(|state| state.messages = Arc::new(broadcast::Sender::new(CAPACITY)));
    }

    /// From now on takes what is sent and gives it to nobody, or no longer so.
    pub fn be_deaf(&self, is_deaf: bool) {
        self.with(|state| state.is_deaf = is_deaf);
    }

    /// Says something to all, as somebody else would.
    pub fn say(&self, text: &str) {
        let messages = self.with(|state| state.messages.clone());
        let _ = messages.send(text.to_owned());
    }

    /// How many connections there were so far.
    pub fn n_connections(&self) -> usize {
        self.with(|state| state.n_connections)
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Relay for MemoryRelay {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn most_bytes(&self) -> usize {
        200
    }

    async fn connect(&self) -> Result<Link, RelayError> {
        let messages = self.with(|state| {
            state.n_connections += 1;
            (!state.is_away).then(|| state.messages.clone())
        });
        let messages = messages.ok_or(RelayError::Closed)?;
        let receiver = Box::new(messages.subscribe());
        let sender = Box::new(MemorySender {
            relay: self.clone(),
            messages: Arc::downgrade(&messages),
        });
        Ok(Link { sender, receiver })
    }
}

struct MemorySender {
    relay: MemoryRelay,
    messages: std::sync::Weak<broadcast::Sender<String>>,
}

#[async_trait]
impl Sender for MemorySender {
    async fn send(&mut self, messages: Vec<String>) -> Result<(), RelayError> {
        let open = self.messages.upgrade().ok_or(RelayError::Closed)?;
        if !self.relay.with(|state| state.is_deaf) {
            for message in messages {
                let _ = open.send(message);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Receiver for broadcast::Receiver<String> {
    async fn next(&mut self) -> Result<Heard, RelayError> {
        match self.recv().await {
            Ok(message) => Ok(Heard::Message(message)),
            Err(broadcast::error::RecvError::Lagged(_)) => Ok(Heard::Gap),
            Err(broadcast::error::RecvError::Closed) => Err(RelayError::Closed),
        }
    }
}
