//! Changes of what a task is to do.

use super::{Priority, Task, schema};

/// Which task is told something.
#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct OrderTo {
    pub(crate) id: cynic::Id,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "OrderTo")]
pub(crate) struct SuspendTask {
    #[arguments(id: $id)]
    pub(crate) suspend_task: Task,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "OrderTo")]
pub(crate) struct ResumeTask {
    #[arguments(id: $id)]
    pub(crate) resume_task: Task,
}

/// What is to change about how urgent a task is. What is absent stays.
#[derive(Debug, Clone, cynic::InputObject)]
#[cynic(graphql_type = "UpdateTaskPriorityInput")]
pub(crate) struct Urgency {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<Priority>,
    pub(crate) for_every_run: bool,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) custom_rank: Option<f64>,
}

#[derive(Debug, cynic::QueryVariables)]
pub(crate) struct UrgencyOf {
    pub(crate) id: cynic::Id,
    pub(crate) input: Urgency,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UrgencyOf")]
pub(crate) struct UpdateTaskPriority {
    #[arguments(id: $id, input: $input)]
    pub(crate) update_task_priority: Task,
}
