//! Access tokens, in the words of the schema.

mod mutation;
mod object;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use mutation::TokenMutation;
pub(crate) use object::TokenScope;
pub(crate) use query::{TokenConnection, TokenEdge, TokenQuery};
