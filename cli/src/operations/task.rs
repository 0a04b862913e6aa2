//! Tasks, their runs and ranks.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    DrainReason, Outcome, Owner, PodState, Priority, RunState, StopAs, TaskDesired, TaskState,
    TaskType, schema,
};

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

/// A task with its newest run in detail, and its newest ten in short.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task {
    #[cynic(spread)]
    #[serde(flatten)]
    pub(crate) summary: TaskSummary,
    pub(crate) current_run: Option<Run>,
    #[arguments(first: 10)]
    pub(crate) runs: RunConnection,
}

/// Runs, the newest first.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunConnection {
    pub(crate) nodes: Vec<RunSummary>,
    pub(crate) total_count: i32,
}

/// What is said of every attempt.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[cynic(graphql_type = "Run")]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunFacts {
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
}

/// One attempt with its ranks.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
pub(crate) struct Run {
    #[cynic(spread)]
    #[serde(flatten)]
    pub(crate) facts: RunFacts,
    pub(crate) pods: Vec<Pod>,
}

/// One attempt without its ranks.
#[derive(Debug, Clone, Serialize, cynic::QueryFragment)]
#[cynic(graphql_type = "Run")]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunSummary {
    #[cynic(spread)]
    #[serde(flatten)]
    pub(crate) facts: RunFacts,
    pub(crate) start_message: Option<String>,
    pub(crate) priority: Priority,
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

#[derive(Debug, Clone, cynic::QueryVariables)]
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
