//! Runs and their pods, in the words of the schema.

mod kinds;
mod object;
mod page;

#[cfg(test)]
mod tests;

pub(crate) use object::Run;
pub(crate) use page::{RunConnection, RunEdge, page};
