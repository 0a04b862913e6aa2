//! TLS for the API: what the server shows, and how connections begin.
//!
//! ```text
//! files     paths → certificate and key     read, and checked to belong together
//! current   what new connections are shown  replaced while the server runs
//! door      connections, with or without    handshakes beside each other, each with little time
//! ```

mod current;
mod door;
mod files;
#[cfg(test)]
mod tests;

pub use files::Files;

pub(crate) use current::Current;
pub(crate) use door::Door;
