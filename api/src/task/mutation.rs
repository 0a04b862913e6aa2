//! Submits and stops tasks.

use async_graphql::{Context, ID, Object, Result};
use domain::task::{self, Submit, TaskId, TaskSpec};

use super::Task;
use super::input::{TaskInput, UpdateTaskPriorityInput};
use super::kinds::StopAs;
use crate::audit;
use crate::context::Access;
use crate::id::task_id;

/// Changes of tasks.
#[derive(Debug, Default)]
pub(crate) struct TaskMutation;

#[Object]
impl TaskMutation {
    /// Submits a task. Too few free nodes or no quota left is no error: the task waits and says why.
    async fn submit_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] input: TaskInput,
        #[graphql(
            desc = "A text of your choice, at most 200 bytes: a submit that is repeated with it within 24 hours answers with the task of the first."
        )]
        idempotency_key: Option<String>,
    ) -> Result<Task> {
        let document = input.into_document()?;
        let spec = TaskSpec::from_json(&document).map_err(domain::Error::from)?;
        let input = Submit {
            spec,
            document,
            idempotency_key,
            act: None,
        };
        Ok(submit(ctx, input).await?.into())
    }

    /// Submits a task that is described by a YAML document of version 2 of the task schema.
    async fn submit_task_yaml(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document, at most 256 KiB.")] yaml: String,
        #[graphql(
            desc = "A text of your choice, at most 200 bytes: a submit that is repeated with it within 24 hours answers with the task of the first."
        )]
        idempotency_key: Option<String>,
    ) -> Result<Task> {
        let (spec, document) = TaskSpec::from_yaml(&yaml).map_err(domain::Error::from)?;
        let input = Submit {
            spec,
            document,
            idempotency_key,
            act: None,
        };
        Ok(submit(ctx, input).await?.into())
    }

    /// Ends a task: at once if it waits, as soon as its processes are gone if it runs. Stopping a finished task changes
    /// nothing.
    async fn stop_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
        #[graphql(
            name = "as",
            desc = "What its outcome is to be.",
            default_with = "StopAs::Stopped"
        )]
        stop_as: StopAs,
    ) -> Result<Task> {
        let id = task_id(&id)?;
        let mut change = audit::begin(ctx, object(id)).await?;
        let done = task::stop(change.tx(), ctx.actor(), id, stop_as.into()).await;
        Ok(change.end(done).await?.into())
    }

    /// Puts a task on hold: it saves, gives its nodes back, and waits until it is resumed.
    async fn suspend_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
    ) -> Result<Task> {
        let id = task_id(&id)?;
        let mut change = audit::begin(ctx, object(id)).await?;
        let done = task::suspend(change.tx(), ctx.actor(), id).await;
        Ok(change.end(done).await?.into())
    }

    /// Lets a task run: one on hold, one that is being stopped, and one that is finished, if its name is free.
    async fn resume_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
    ) -> Result<Task> {
        let id = task_id(&id)?;
        let mut change = audit::begin(ctx, object(id)).await?;
        let done = task::resume(change.tx(), ctx.actor(), id).await;
        Ok(change.end(done).await?.into())
    }

    /// Lets the members of your team see a task of yours and its logs. They can change nothing of it.
    async fn share_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
    ) -> Result<Task> {
        share(ctx, &id, true).await
    }

    /// Takes back that the members of a team may see a task of yours: what they have open of it ends.
    async fn unshare_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
    ) -> Result<Task> {
        share(ctx, &id, false).await
    }

    /// Changes how urgent a task is. If it runs, it goes on at the new level: at a lower one at once, which may interrupt
    /// it, at a higher one as soon as its owner's quota has room there. Whoever may do this without seeing the task may ask for
    /// no more than `id`, `name`, `user`, `state`, `desired`, `priority`, `group`, `zone`, `nodeCount` and when it was submitted,
    /// started and finished.
    async fn update_task_priority(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
        #[graphql(desc = "What is to change.")] input: UpdateTaskPriorityInput,
    ) -> Result<Task> {
        let id = task_id(&id)?;
        let mut change = audit::begin(ctx, object(id)).await?;
        let done = task::reprioritize(change.tx(), ctx.actor(), id, &input.into()).await;
        let done = done.and_then(|row| Task::in_line(ctx, row));
        Ok(change.end(done).await?)
    }
}

async fn share(ctx: &Context<'_>, id: &ID, is_shared: bool) -> Result<Task> {
    let id = task_id(id)?;
    let mut change = audit::begin(ctx, object(id)).await?;
    let done = task::share(change.tx(), ctx.actor(), id, is_shared).await;
    Ok(change.end(done).await?.into())
}

async fn submit(ctx: &Context<'_>, mut input: Submit) -> domain::Result<task::Task> {
    input.act = Some(audit::act(ctx)?);
    let attempt = async |input| task::submit_together(ctx.app(), ctx.actor(), input).await;
    let has_key = input.idempotency_key.is_some();
    let task = match attempt(input.clone()).await {
        // The first submit with this key may have been on its way: now its task can be found.
        Err(error) if has_key && domain::Error::is_conflict(&error) => attempt(input).await?,
        result => result?,
    };
    tracing::info!(
        task.id = task.id.0,
        task.name = task.name,
        "a task was submitted"
    );
    Ok(task)
}

/// A task as the audit log names it.
fn object(id: TaskId) -> String {
    format!("task {id}")
}
