//! Environments: the named places that tasks run in.

mod query;

pub use query::names;
