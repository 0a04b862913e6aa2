//! Who is woken when something changes: in this process by the [bus](Events), in others by a [relay](Relay) between
//! the buses.
//!
//! Wake-ups carry keys and nothing that must be believed. Whatever gets lost, the next look of a worker finds it.

mod bus;
mod event;
mod outbox;
mod relay;
mod wire;

pub use bus::{Events, Listener, LogListener, TaskListener};
pub use event::Event;
pub use relay::{
    Courier, Heard, Link, PostgresRelay, Receiver, RedisRelay, Relay, RelayError, Sender, probe,
};
pub use wire::Origin;

#[cfg(any(test, feature = "testing"))]
pub use relay::memory;
