//! How it is asked: GraphQL over HTTP, server-sent events and WebSocket, GraphiQL for people, health for machines.
//!
//! ```text
//! http ──┬── engine: who asks (auth), how much (limits), execute, what went wrong (error), as text (answer)
//! ws ────┘      └── schema ── task, run, node, user, session, quota, mount, environment, log, server_info, agent: one folder per noun
//! ```
//!
//! - Resolvers are thin: they call the use cases and queries of `domain` and give its errors on with `?`; `error` is
//!   the one place where errors become answers.
//! - Related rows come through `loaders`, lists through `connection`, live results through `live`, once for all who
//!   ask for the same (`shared`).
//! - What is too much is turned away at once: `load` says what is done at the same time, for whom; what takes long is computed in
//!   a `lane` of its own.
//! - The contract is `schema.graphql`: [`sdl`] prints it, a test compares them.

mod agent;
mod answer;
mod audit;
mod auth;
mod config;
mod connection;
mod context;
mod engine;
mod environment;
mod error;
mod graphiql;
mod http;
mod id;
mod lane;
mod limits;
mod live;
mod load;
mod loaders;
mod log;
mod logins;
mod metrics;
mod mount;
mod node;
mod ongoing;
mod places;
mod quota;
mod rates;
mod rules;
mod run;
mod scalar;
mod schema;
mod server_info;
mod session;
mod shared;
mod span;
mod standing;
mod task;
mod token;
mod user;
mod weight;
mod ws;

#[cfg(test)]
mod access;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod standing_tests;
#[cfg(test)]
mod testing;

pub use config::{ApiConfig, Capacity, Limits, Rate, Timing};
pub use http::{ForwardedHeader, Front, Proxies, front, plain, probe_front};
pub use schema::sdl;
