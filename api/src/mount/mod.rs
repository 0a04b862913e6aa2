//! Mounts and the rules behind them, in the words of the schema.

mod input;
mod mutation;
mod object;
mod preview;
mod query;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use mutation::MountMutation;
pub(crate) use query::{MountQuery, MountRuleConnection, MountRuleEdge};
