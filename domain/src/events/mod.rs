//! Who is woken when something changes.

mod bus;

pub use bus::{Event, Events, Listener, LogListener, TaskListener};
