//! How clients and server talk live: the messages of graphql-transport-ws and a client.
//!
//! The server's loop uses the messages, the CLI and the agents also use the [`Connection`].

mod client;
mod close;
mod error;
mod message;
mod trust;

pub use client::{Connection, Subscription, Timing};
pub use close::CloseCode;
pub use error::{Error, GraphqlError};
pub use message::{ClientMessage, InitPayload, Operation, SUBPROTOCOL, ServerMessage};
pub use trust::trust_only;
