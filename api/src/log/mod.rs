//! Logs of tasks, in the words of the schema.

mod course;
mod download;
mod feed;
#[cfg(test)]
mod feed_tests;
mod object;
mod query;
mod reader;
#[cfg(test)]
mod reconnect_tests;
mod search;
mod subscription;
mod tailer;
#[cfg(test)]
mod tailer_tests;
#[cfg(test)]
mod tests;
mod watch;
mod window;

pub(crate) use download::{Download, Wanted};
pub(crate) use feed::Feeds;
pub(crate) use query::LogQuery;
pub(crate) use search::{LogSearchQuery, SearchGate};
pub(crate) use subscription::LogSubscription;
pub(crate) use tailer::Tailers;
