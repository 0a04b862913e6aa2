//! What is asked: queries, mutations and subscriptions, checked against `schema.graphql` by the compiler.
//!
//! The structs also serialize, in the schema's own names: that is what `--json` prints.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The registered schema.
#[cynic::schema("hai")]
#[expect(unreachable_pub, reason = "generated")]
pub(crate) mod schema {}

cynic::impl_scalar!(DateTime<Utc>, schema::DateTime);
cynic::impl_scalar!(i64, schema::Long);

/// An enum of the schema that tolerates what only newer platforms know.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, cynic::Enum)]
        pub(crate) enum $name {
            $($variant,)+
            /// A value of a newer platform.
            #[cynic(fallback)]
            Other(String),
        }

        impl std::fmt::Display for $name {
            /// The schema's word in small letters.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let word = match serde_json::to_value(self) {
                    Ok(serde_json::Value::String(word)) => word,
                    Ok(_) | Err(_) => "?".to_owned(),
                };
                f.pad(&word.to_lowercase())
            }
        }
    };
}

words!(
    /// Where a task is.
    TaskState { WaitingInit, Running, Suspended, Finished }
);
words!(
    /// How a task or a run ended.
    Outcome { Succeeded, Failed, Stopped, Suspended, Timeout, Lost, StartFailed }
);
words!(
    /// What the owner wants.
    TaskDesired { Run, Hold, Stop }
);
words!(
    /// Kind of task.
    TaskType { Training }
);
words!(
    /// Priority by name.
    Priority {
        ExtremeHigh, VeryHigh, High, AboveNormal, Normal, UnderNormal, BelowNormal, Low, Auto,
    }
);
words!(
    /// Where a run is.
    RunState { Starting, Running, Draining, Ended }
);
words!(
    /// Why a run is being ended.
    DrainReason { Stop, Suspend, StartFailed, RankFailed, Lost, Timeout, Done }
);
words!(
    /// Where one rank of a run is.
    PodState { Created, Registered, Running, Succeeded, Failed, Stopped, Lost }
);
words!(
    /// Whose user it is.
    UserRole { Internal, External }
);
words!(
    /// A line of the log, or a hole in it.
    LogItemKind { Line, Gap }
);

/// As what a task is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, cynic::Enum)]
pub(crate) enum StopAs {
    Stopped,
    Succeeded,
    Failed,
}

/// The owner of a task.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
pub(crate) struct Owner {
    pub(crate) name: String,
}

/// Why a task waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, cynic::QueryFragment)]
pub(crate) struct Wait {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) position: Option<i32>,
    pub(crate) until: Option<DateTime<Utc>>,
}

/// A task without its runs.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[cynic(graphql_type = "Task")]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskSummary {
    pub(crate) id: cynic::Id,
    pub(crate) name: String,
    pub(crate) user: Owner,
    pub(crate) task_type: TaskType,
    pub(crate) state: TaskState,
    pub(crate) desired: TaskDesired,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) stop_code: i32,
    pub(crate) exit_code: Option<i32>,
    pub(crate) priority: Priority,
    pub(crate) group: String,
    pub(crate) zone: Option<String>,
    pub(crate) node_count: i32,
    pub(crate) environment: String,
    pub(crate) workspace: String,
    pub(crate) command: String,
    pub(crate) tags: Vec<String>,
    pub(crate) run_count: i32,
    pub(crate) restart_count: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) wait: Option<Wait>,
}

/// A task with its newest run.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task {
    #[cynic(spread)]
    #[serde(flatten)]
    pub(crate) summary: TaskSummary,
    pub(crate) current_run: Option<Run>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    pub(crate) number: i32,
    pub(crate) state: RunState,
    pub(crate) drain_reason: Option<DrainReason>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) stop_code: i32,
    pub(crate) exit_code: Option<i32>,
    pub(crate) message: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) pods: Vec<Pod>,
}

/// One rank of an attempt.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pod {
    pub(crate) rank: i32,
    pub(crate) node: String,
    pub(crate) state: PodState,
    pub(crate) exit_code: Option<i32>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) message: Option<String>,
}

/// The user behind the token.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: cynic::Id,
    pub(crate) name: String,
    pub(crate) role: UserRole,
    pub(crate) uid: i32,
    pub(crate) active: bool,
    pub(crate) groups: Vec<String>,
    pub(crate) quotas: Vec<QuotaUsage>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Nodes of one group and priority that a user has and may have.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct QuotaUsage {
    pub(crate) group: String,
    pub(crate) priority: Priority,
    pub(crate) used: i32,
    pub(crate) limit: i32,
}

/// A directory that tasks see under the same path.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount {
    pub(crate) path: String,
    pub(crate) read_only: bool,
}

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

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct Me {
    pub(crate) me: User,
}

/// Only the name of the user behind the token.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct MyName {
    pub(crate) me: Owner,
}

/// Only the mounts of the user behind the token.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct MyMounts {
    pub(crate) me: Mounts,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
pub(crate) struct Mounts {
    pub(crate) mounts: Vec<Mount>,
}

/// What a new task may name.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
pub(crate) struct Offers {
    pub(crate) server_info: Offer,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "ServerInfo")]
pub(crate) struct Offer {
    pub(crate) groups: Vec<String>,
    pub(crate) environments: Vec<String>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct TaskSelector {
    pub(crate) id: Option<cynic::Id>,
    pub(crate) name: Option<String>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TaskSelector")]
pub(crate) struct FindTask {
    #[arguments(id: $id, name: $name)]
    pub(crate) task: Option<Task>,
}

#[derive(Debug, Clone, cynic::QueryVariables)]
pub(crate) struct TaskPage {
    pub(crate) user: String,
    pub(crate) first: i32,
    pub(crate) after: Option<String>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TaskPage")]
pub(crate) struct ListTasks {
    #[arguments(filter: { user: $user }, first: $first, after: $after)]
    pub(crate) tasks: TaskConnection,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct TaskConnection {
    pub(crate) nodes: Vec<TaskSummary>,
    pub(crate) total_count: i32,
}

/// The same list, without its tasks: finds where a later page begins.
#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TaskPage")]
pub(crate) struct SkipTasks {
    #[arguments(filter: { user: $user }, first: $first, after: $after)]
    pub(crate) tasks: SkippedTasks,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "TaskConnection")]
pub(crate) struct SkippedTasks {
    pub(crate) page_info: PageInfo,
    pub(crate) total_count: i32,
}

#[derive(Debug, cynic::QueryFragment)]
pub(crate) struct PageInfo {
    pub(crate) has_next_page: bool,
    pub(crate) end_cursor: Option<String>,
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

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct YamlSubmission {
    pub(crate) yaml: String,
    pub(crate) idempotency_key: String,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "YamlSubmission")]
pub(crate) struct SubmitTaskYaml {
    #[arguments(yaml: $yaml, idempotencyKey: $idempotency_key)]
    pub(crate) submit_task_yaml: Task,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct StopOrder {
    pub(crate) id: cynic::Id,
    pub(crate) stop_as: StopAs,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "StopOrder")]
pub(crate) struct StopTask {
    #[arguments(id: $id, as: $stop_as)]
    pub(crate) stop_task: Task,
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

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct TaskId {
    pub(crate) id: cynic::Id,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "TaskId")]
pub(crate) struct FollowTask {
    #[arguments(id: $id)]
    pub(crate) task_changed: TaskSummary,
}
