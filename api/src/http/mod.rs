//! What is served over HTTP.

mod log;
mod range;
mod request_id;
mod router;
mod shield;
pub(crate) mod sse;
#[cfg(test)]
mod tests;

pub use router::router;
