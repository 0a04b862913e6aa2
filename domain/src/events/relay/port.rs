//! The port: what a relay can do.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::chain;

/// Carries messages between processes: what one sends, all hear that are connected, the sender too, in the order of each
/// sender. A message may get lost with the connection, and only with it.
///
/// It connects once and is not expected to try again: whoever uses it does.
#[async_trait]
pub trait Relay: fmt::Debug + Send + Sync {
    /// What it is, for people: without secrets.
    fn name(&self) -> &'static str;

    /// How many bytes a message may have.
    fn most_bytes(&self) -> usize;

    /// Connects. From then on everything is heard.
    ///
    /// # Errors
    /// If it is away, or refuses.
    async fn connect(&self) -> Result<Link, RelayError>;
}

/// Both ends of a connection. It is closed when they are dropped.
pub struct Link {
    /// Where messages go in.
    pub sender: Box<dyn Sender>,
    /// Where they come out.
    pub receiver: Box<dyn Receiver>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// Where messages go in.
#[async_trait]
pub trait Sender: Send {
    /// Sends messages, in order.
    ///
    /// # Errors
    /// If the connection is lost: then it is not known which of them were sent.
    async fn send(&mut self, messages: Vec<String>) -> Result<(), RelayError>;
}

/// Where messages come out.
#[async_trait]
pub trait Receiver: Send {
    /// The next message.
    ///
    /// # Errors
    /// If the connection is lost.
    async fn next(&mut self) -> Result<Heard, RelayError>;
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message. One that is no text is empty.
    Message(String),
    /// It is known that some got lost.
    Gap,
}

/// Why nothing is carried.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// PostgreSQL is away, or refuses.
    #[error("PostgreSQL carries no wake-ups")]
    Postgres(#[from] sqlx::Error),
    /// Redis is away, or refuses.
    #[error("Redis carries no wake-ups")]
    Redis(#[from] fred::error::Error),
    /// Somebody else has closed the connection.
    #[error("the connection was closed")]
    Closed,
    /// There is no answer.
    #[error("there was no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// It takes what is sent, and nothing comes out.
    #[error("nothing that was sent has come back within {} s", .0.as_secs())]
    Silent(Duration),
}

impl RelayError {
    /// The whole chain of causes in one line. No address and no password is in it.
    pub fn chain(&self) -> String {
        chain(self)
    }
}
