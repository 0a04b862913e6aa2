//! GraphQL over WebSocket: the server's side of graphql-transport-ws.
//!
//! ```text
//! socket ── greeting     who is it?
//!        ── connection   reads messages, starts and ends operations
//!              ├── operation   one tracked task each: results of the engine → messages
//!              └── writer      takes messages from the bounded queue, several per flush
//!        ── parting      says goodbye
//! ```
//!
//! Invariant: the reading half never waits for the writing half. A client that does not take its results stops its own
//! operations, and nothing else.

mod accept;
#[cfg(test)]
pub(crate) mod client;
mod connection;
mod greeting;
mod message;
mod operation;
mod operations;
mod parting;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use accept::{Setting, accept};
