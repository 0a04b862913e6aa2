//! The log of a rank.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{LogItemKind, schema};

/// A line of a log, or a hole in it.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogItem {
    pub(crate) kind: LogItemKind,
    pub(crate) run: i32,
    pub(crate) time: Option<DateTime<Utc>>,
    pub(crate) text: String,
    pub(crate) partial: bool,
    pub(crate) lost_bytes: Option<i64>,
    pub(crate) cursor: String,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct LogPageOf {
    pub(crate) id: cynic::Id,
    pub(crate) rank: i32,
    pub(crate) after: Option<String>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "LogPageOf")]
pub(crate) struct ReadLog {
    #[arguments(id: $id, rank: $rank, after: $after)]
    pub(crate) task_log: TaskLogPage,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct TaskLogPage {
    pub(crate) items: Vec<LogItem>,
    pub(crate) cursor: String,
    pub(crate) has_next: bool,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "LogPageOf")]
pub(crate) struct FollowLog {
    #[arguments(id: $id, rank: $rank, after: $after)]
    pub(crate) task_log_appended: TaskLogEvent,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct TaskLogEvent {
    pub(crate) items: Vec<LogItem>,
    pub(crate) cursor: String,
    pub(crate) ended: bool,
}
