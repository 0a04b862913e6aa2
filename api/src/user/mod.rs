//! Users, in the words of the schema.

mod change;
mod mutation;
mod object;
mod permission;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use mutation::UserMutation;
pub(crate) use object::User;
pub(crate) use query::{UserConnection, UserEdge, UserQuery};
