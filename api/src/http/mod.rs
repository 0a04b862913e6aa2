//! What is served over HTTP.

mod cookie;
mod log;
mod page;
mod proxy;
mod range;
mod request_id;
mod router;
mod session;
#[cfg(test)]
mod session_tests;
mod shield;
pub(crate) mod sse;
#[cfg(test)]
mod tests;

pub use proxy::{ForwardedHeader, Proxies};
pub use router::{probe_router, router};
