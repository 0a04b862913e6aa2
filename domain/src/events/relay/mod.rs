//! What carries wake-ups between the servers of one platform: the port [`Relay`] with its adapters, and the [`Courier`]
//! that uses one.

mod courier;
mod outage;
mod port;
mod postgres;
mod redis;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod courier_tests;
#[cfg(any(test, feature = "testing"))]
pub mod memory;

pub use courier::{Courier, probe};
pub use port::{Heard, Link, Receiver, Relay, RelayError, Sender};
pub use postgres::PostgresRelay;
pub use redis::RedisRelay;
