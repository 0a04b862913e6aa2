//! Sessions of browsers, in the words of the schema. They begin beside GraphQL: `http/session.rs`.

mod mutation;
mod object;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use mutation::SessionMutation;
pub(crate) use query::{SessionConnection, SessionEdge, SessionQuery};
