//! GraphQL over server-sent events: the protocol of graphql-sse, one connection for each operation.

#[cfg(test)]
pub(crate) mod client;
mod feed;
#[cfg(test)]
mod tests;

pub(super) use feed::{Setting, answer, is_wanted};
