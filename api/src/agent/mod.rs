//! What agents say and hear about their ranks, in the words of the schema.

mod input;
mod mutation;
mod order;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use mutation::AgentMutation;
pub(crate) use subscription::AgentSubscription;
