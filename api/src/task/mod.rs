//! Tasks: what users submit, in the words of the schema.

#[cfg(test)]
mod changes_tests;
mod filter;
mod input;
mod kinds;
mod mutation;
mod object;
mod priority;
mod query;
#[cfg(test)]
mod reconnect_tests;
mod sight;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use kinds::Outcome;
pub(crate) use mutation::TaskMutation;
pub(crate) use object::Task;
pub(crate) use priority::Priority;
pub(crate) use query::{TaskConnection, TaskEdge, TaskQuery};
pub(crate) use subscription::TaskSubscription;
