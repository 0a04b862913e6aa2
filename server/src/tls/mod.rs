//! TLS for the API: what the server shows, and how connections begin.
//!
//! ```text
//! files     paths → certificate and key     read, and checked to belong together
//! current   what new connections are shown  replaced while the server runs
//! listener  connections, with or without    handshakes beside each other, each with little time
//! ```

mod current;
mod files;
mod listener;
#[cfg(test)]
mod tests;

pub use files::Files;

pub(crate) use current::Current;
pub(crate) use listener::{Listener, send_at_once};
