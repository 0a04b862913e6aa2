//! The log of a rank.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{LogItemKind, LogPatternKind, schema};

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

/// What follows a place, or everything.
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

/// What precedes a place, or the end.
#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct LogBefore {
    pub(crate) id: cynic::Id,
    pub(crate) rank: i32,
    pub(crate) before: Option<String>,
    pub(crate) last: i32,
}

/// Where lines begin, without their text.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "LogBefore")]
pub(crate) struct CountBack {
    #[arguments(id: $id, rank: $rank, before: $before, last: $last)]
    pub(crate) task_log: CountedPage,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "TaskLogPage")]
pub(crate) struct CountedPage {
    pub(crate) items: Vec<CountedItem>,
    pub(crate) start_cursor: String,
    pub(crate) cursor: String,
    pub(crate) has_previous: bool,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "LogItem")]
pub(crate) struct CountedItem {
    /// Absent for what continues a line.
    pub(crate) time: Option<DateTime<Utc>>,
}

/// What was printed at a moment or later.
#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct LogSince {
    pub(crate) id: cynic::Id,
    pub(crate) rank: i32,
    pub(crate) at: Option<DateTime<Utc>>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "LogSince")]
pub(crate) struct FindMoment {
    #[arguments(id: $id, rank: $rank, at: $at, first: 1)]
    pub(crate) task_log: LogPlace,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "TaskLogPage")]
pub(crate) struct LogPlace {
    pub(crate) start_cursor: String,
}

/// What to look for, and where to go on.
#[derive(Debug, Clone, cynic::QueryVariables)]
pub(crate) struct LogSearch {
    pub(crate) id: cynic::Id,
    pub(crate) ranks: Option<Vec<i32>>,
    pub(crate) pattern: String,
    pub(crate) kind: LogPatternKind,
    pub(crate) case_sensitive: bool,
    pub(crate) after: Option<String>,
    pub(crate) first: i32,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "LogSearch")]
pub(crate) struct SearchLog {
    #[arguments(id: $id, ranks: $ranks, pattern: $pattern, kind: $kind, caseSensitive: $case_sensitive, after: $after, first: $first)]
    pub(crate) search_task_log: TaskLogMatches,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct TaskLogMatches {
    pub(crate) matches: Vec<TaskLogMatch>,
    pub(crate) cursor: String,
    pub(crate) has_next: bool,
    pub(crate) scanned_bytes: i64,
}

/// A line in which the pattern occurs.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskLogMatch {
    pub(crate) rank: i32,
    pub(crate) run: i32,
    pub(crate) time: Option<DateTime<Utc>>,
    pub(crate) leading: String,
    pub(crate) text: String,
    pub(crate) trailing: String,
    pub(crate) occurrences: i32,
    pub(crate) start_cursor: String,
    pub(crate) cursor: String,
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
