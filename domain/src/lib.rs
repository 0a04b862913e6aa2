//! What is true: nouns, use cases, ports with their light adapters, workers.
//!
//! - One folder per noun: [`user`], [`quota`], [`node`], [`task`], [`run`], [`mount`], [`session`], each with its use cases
//!   `verb(tx, actor, input)` and its queries.
//! - Ports: [`runtime`] (where runs run), [`logs`] (what they print), [`events`] (who is woken, here and on other
//!   servers). What [`redis`] there is serves them.
//! - [`workers`] drive everything, in the one process that has the [`lease`]; [`auth`] says who may do what;
//!   [`setup`] makes an empty platform usable,
//!   [`import`] takes in what the original kept, [`retention`] removes what is long over.
//! - What is measured on the way: [`metrics`], numbers in memory.
//! - What they are given: [`app::App`]. What may go wrong: [`error::Error`].

pub mod app;
pub mod audit;
pub mod auth;
pub mod clock;
pub mod counts;
pub mod environment;
pub mod error;
pub mod events;
pub mod import;
pub mod lease;
pub mod logs;
pub mod metrics;
pub mod mount;
pub mod node;
pub mod quota;
pub mod redis;
pub mod retention;
pub mod run;
pub mod runtime;
pub mod session;
pub mod setup;
pub mod store;
pub mod task;
pub mod user;
pub mod workers;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use app::{App, Settings};
pub use error::{Error, Problem, Result};
pub use scheduler::{Level, Priority};
