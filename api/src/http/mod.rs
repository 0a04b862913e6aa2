//! What is served over HTTP.

mod log;
mod router;
#[cfg(test)]
mod tests;

pub use router::router;
