//! Logs of tasks, in the words of the schema.

mod object;
mod query;
mod reader;
#[cfg(test)]
mod reconnect_tests;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use query::LogQuery;
pub(crate) use subscription::LogSubscription;
