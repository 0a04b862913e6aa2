//! Questions about tasks.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, ID, Object, Result};
use domain::Error;
use domain::auth::Actor;
use domain::task::{self, PageRequest, TaskId};

use super::Task;
use super::filter::TaskFilter;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::id::{List, task_id};
use crate::limits;
use crate::scalar::int;

/// One page of a list of tasks.
pub(crate) type TaskConnection = Connection<String, Task, TaskTotal>;
/// A task at its place in a list.
pub(crate) type TaskEdge = Edge<String, Task, EmptyFields>;

/// Counts a list of tasks, if somebody asks.
#[derive(Debug)]
pub(crate) struct TaskTotal {
    actor: Actor,
    filter: task::Filter,
}

#[Object]
impl TaskTotal {
    /// How many tasks there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(task::count(
            ctx.app().reader(),
            &self.actor,
            &self.filter,
        )
        .await?))
    }
}

/// Questions about tasks.
#[derive(Debug, Default)]
pub(crate) struct TaskQuery;

#[Object]
impl TaskQuery {
    /// One task, by its id or by its name; null if there is none that you may see.
    async fn task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Option<ID>,
        #[graphql(desc = "Its name: the newest of your own tasks with it.")] name: Option<String>,
    ) -> Result<Option<Task>> {
        ctx.user()?;
        let db = ctx.app().reader();
        let found = match (&id, &name) {
            (Some(id), None) => match task_id(id) {
                Ok(id) => task::get(db, ctx.actor(), id).await,
                Err(error) => Err(error),
            },
            (None, Some(name)) => task::find_by_name(db, ctx.actor(), name).await,
            (Some(_), Some(_)) => Err(Error::invalid("name", "cannot be combined with id")),
            (None, None) => Err(Error::invalid("id", "is missing, and so is name")),
        };
        match found {
            Ok(row) => Ok(Some(row.into())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Your tasks, for administrators of tasks those of everybody, the newest first. Those that others share with you come
    /// only if the filter asks for them.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only tasks that match.")] filter: Option<TaskFilter>,
        #[graphql(desc = "How many, from the beginning: at most 500, 50 if left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only tasks behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many, from the end: at most 500.")] last: Option<i32>,
        #[graphql(desc = "Only tasks before this cursor.")] before: Option<String>,
    ) -> Result<TaskConnection> {
        ctx.user()?;
        let args = PageArgs {
            first,
            after,
            last,
            before,
        };
        let window = args.window(List::Tasks, |key| key.parse().ok().map(TaskId))?;
        let filter = filter.unwrap_or_default().resolve(ctx.app()).await?;
        let request = PageRequest {
            limit: u64::try_from(window.limit).unwrap_or(0),
            after: window.after,
            before: window.before,
            backwards: window.backwards,
        };
        let page = task::list(ctx.app().reader(), ctx.actor(), &filter, request).await?;
        let nodes = page
            .tasks
            .into_iter()
            .map(|row| (List::Tasks.cursor(row.id), Task::from(row)));
        let total = TaskTotal {
            actor: ctx.actor().clone(),
            filter,
        };
        Ok(window.connection(page.has_more, nodes, total))
    }
}
