//! What is asked: queries, mutations and subscriptions, checked against `schema.graphql` by the compiler.
//!
//! The structs also serialize, in the schema's own names: that is what `--json` prints.

mod account;
mod cluster;
mod detail;
mod log;
mod node;
mod order;
mod quota;
mod schema;
mod task;
mod user;
mod watch;
mod word;

pub(crate) use account::{
    AccessToken, AccessTokenFilter, Account, CreateAccessToken, CreateAccessTokenInput,
    CreateSessionCode, CreateSessionCodeInput, CreateUser, CreateUserInput, ListTokens, ListUsers,
    NewSession, NewToken, NewUser, RevokeAccessToken, RotateToken, SetUserActive,
    SetUserActiveInput, SetUserGroups, SetUserGroupsInput, TokenPage, UserPage, WhetherActive,
    WhichGroups, WhichToken,
};
pub(crate) use cluster::{ClusterOverview, GroupOverview, ListNodes, Node, NodeGroup, NodePage};
pub(crate) use detail::{DescribeTask, ExplainTask, ExplainedTask, RunPage};
pub(crate) use log::{
    CountBack, FindMoment, FollowLog, LogBefore, LogItem, LogPageOf, LogSearch, LogSince, ReadLog,
    SearchLog, TaskLogEvent, TaskLogMatch,
};
pub(crate) use node::{
    DisableNode, DisableNodeInput, EnableNode, EnableNodeInput, FindTaskOnNode, ListNodeStates,
    NodeState, PlaceAndTime, StatesOf, TaskOnNode, WhichNode, WhyDisabled,
};
pub(crate) use order::{OrderTo, ResumeTask, SuspendTask, UpdateTaskPriority, Urgency, UrgencyOf};
pub(crate) use quota::{
    HowManyNodes, HowMuch, LedgerOf, ListQuotaChanges, Quota, QuotaChange, QuotaChangeFilter,
    QuotaLedger, QuotaSimulation, ReadLedger, RemoveQuota, RemoveQuotaInput, ResourceAmount,
    ResourceQuota, SetMyQuota, SetMyQuotaInput, SetResourceQuota, SetResourceQuotaInput,
    SimulateQuota, SimulateQuotaInput, WhatIf, WhichChanges, WhichQuota,
};
pub(crate) use task::{
    FindTask, FollowTask, ListTasks, PageInfo, Pod, Run, RunConnection, RunSummary, SkipTasks,
    StopOrder, StopTask, SubmitTaskYaml, Task, TaskId, TaskPage, TaskSelector, TaskSummary,
    YamlSubmission,
};
pub(crate) use user::{Me, Mount, MyMounts, MyName, Offers, Owner, QuotaUsage, User};
pub(crate) use watch::{FollowTasks, WatchCluster, WatchPage};
pub(crate) use word::{
    DrainReason, LogItemKind, LogPatternKind, NodeStateKind, NodeStatus, Outcome, PodState,
    Priority, QuotaKind, RunState, StopAs, TaskDesired, TaskState, TaskType, TokenScope, UserRole,
};

#[cfg(test)]
pub(crate) use task::Wait;
