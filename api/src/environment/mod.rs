//! Environments, in the words of the schema.

mod query;
#[cfg(test)]
mod tests;

pub(crate) use query::EnvironmentQuery;
