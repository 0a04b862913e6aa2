//! What is asked: queries, mutations and subscriptions, checked against `schema.graphql` by the compiler.
//!
//! The structs also serialize, in the schema's own names: that is what `--json` prints.

mod log;
mod schema;
mod task;
mod user;
mod word;

pub(crate) use log::{FollowLog, LogItem, LogPageOf, ReadLog, TaskLogEvent};
pub(crate) use task::{
    FindTask, FollowTask, ListTasks, Pod, Run, RunConnection, RunSummary, SkipTasks, StopOrder,
    StopTask, SubmitTaskYaml, Task, TaskId, TaskPage, TaskSelector, TaskSummary, YamlSubmission,
};
pub(crate) use user::{Me, Mount, MyMounts, MyName, Offers, Owner, QuotaUsage, User};
pub(crate) use word::{
    DrainReason, LogItemKind, Outcome, PodState, Priority, RunState, StopAs, TaskDesired,
    TaskState, TaskType, UserRole,
};

#[cfg(test)]
pub(crate) use task::Wait;
