//! Nodes and the cluster in a few numbers, in the words of the schema.

mod object;
mod overview;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use query::{NodeConnection, NodeEdge, NodeQuery};
