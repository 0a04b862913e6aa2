//! Users, in the words of the schema.

mod mutation;
mod object;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use mutation::UserMutation;
pub(crate) use object::User;
pub(crate) use query::UserQuery;
