//! What is served over HTTP.

mod body;
mod cookie;
mod log;
mod page;
mod proxy;
mod range;
mod request_id;
mod router;
mod serve;
#[cfg(test)]
mod serve_tests;
mod session;
#[cfg(test)]
mod session_tests;
mod shield;
pub(crate) mod sse;
mod stream;
#[cfg(test)]
mod tests;

pub use proxy::{ForwardedHeader, Proxies};
pub use router::{front, probe_front};
pub use serve::{Front, plain};
