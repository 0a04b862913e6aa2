//! Nodes and the cluster in a few numbers, in the words of the schema.

#[cfg(test)]
mod guest_tests;
mod history;
mod input;
mod mutation;
mod object;
mod overview;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use history::{NodeStateConnection, NodeStateEdge};
pub(crate) use mutation::NodeMutation;
pub(crate) use query::{NodeConnection, NodeEdge, NodeQuery};
