//! What is served over HTTP.

mod router;
#[cfg(test)]
mod tests;

pub use router::router;
