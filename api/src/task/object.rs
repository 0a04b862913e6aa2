//! A task as clients see it.

use std::sync::{Arc, OnceLock};

use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::Error;
use domain::auth::{Action, Target, may};
use domain::task::{SpecErrors, Task as Row, TaskId, TaskSpec, shown_state};
use serde_json::Value;

use super::kinds::{Outcome, TaskDesired, TaskState, TaskType};
use super::priority::Priority;
use super::sight::Sight;
use crate::connection::PageArgs;
use crate::context::Access;
use crate::limits;
use crate::loaders::{RunsOf, TagsOf};
use crate::run::{self, Run, RunConnection};
use crate::scalar::int;
use crate::user::User;

/// What each task in the line shows of itself to whoever may change how urgent it is, and may not see it.
const IN_LINE: [&str; 13] = [
    "__typename",
    "id",
    "name",
    "user",
    "state",
    "desired",
    "priority",
    "group",
    "zone",
    "nodeCount",
    "createdAt",
    "startedAt",
    "finishedAt",
];

/// What is stored for this task was not written by this platform.
#[derive(Debug, thiserror::Error)]
#[error("the stored specification of task {id} cannot be read")]
struct UnreadableSpec {
    id: TaskId,
    #[source]
    source: SpecErrors,
}

/// A task with its specification, which is read once and only if somebody asks.
#[derive(Debug)]
pub(crate) struct Task {
    row: Row,
    spec: OnceLock<Result<TaskSpec, Arc<Error>>>,
    /// What was read with it, if that is already known: then it is shown as the cursor says.
    seen: Option<Seen>,
}

/// The newest run of a task, and the cursor that stands for both.
#[derive(Debug)]
struct Seen {
    run: Option<Run>,
    cursor: String,
}

impl From<Row> for Task {
    fn from(row: Row) -> Self {
        Self {
            row,
            spec: OnceLock::new(),
            seen: None,
        }
    }
}

impl Task {
    /// One as its followers see it.
    pub(super) fn seen(sight: Sight, cursor: String) -> Self {
        let run = sight.newest.map(|(run, pods)| Run::with_pods(run, pods));
        Self {
            seen: Some(Seen { run, cursor }),
            ..Self::from(sight.task)
        }
    }

    /// One that the caller may do something to, and perhaps not see.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if he may not see it and asks for more of it than the line shows.
    pub(super) fn in_line(ctx: &Context<'_>, row: Row) -> Result<Self, Error> {
        if may(ctx.actor(), Action::ReadTask, Target::from(&row)) {
            return Ok(row.into());
        }
        let field = ctx.field();
        let mut asked = field.selection_set();
        match asked.find(|field| !IN_LINE.contains(&field.name())) {
            None => Ok(row.into()),
            Some(field) => Err(Error::Forbidden(format!(
                "you may not see the task, so you may not ask for its {}",
                field.name()
            ))),
        }
    }

    fn spec(&self) -> Result<&TaskSpec, Arc<Error>> {
        let id = self.row.id;
        let read = || {
            TaskSpec::from_json(&self.row.spec)
                .map_err(|source| Arc::new(Error::Internal(UnreadableSpec { id, source }.into())))
        };
        self.spec.get_or_init(read).as_ref().map_err(Arc::clone)
    }
}

/// What a user submitted; lives from the submit until it is finished.
#[Object]
impl Task {
    /// Number of the task.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Name: among the owner's tasks that are not finished no other has it.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Who submitted it.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        User::load(ctx, self.row.user_id).await
    }

    /// Kind of the task.
    async fn task_type(&self) -> Result<TaskType> {
        Ok(self.spec()?.task_type().into())
    }

    /// Where it is in its life.
    async fn state(&self) -> TaskState {
        shown_state(&self.row).into()
    }

    /// What its owner wants of it.
    async fn desired(&self) -> TaskDesired {
        self.row.desired.into()
    }

    /// How it ended; absent while it has not.
    async fn outcome(&self) -> Option<Outcome> {
        self.row.outcome.map(Into::into)
    }

    /// The ends of the task in bits; 0 while it has never ended.
    async fn stop_code(&self) -> i32 {
        self.row.stop_code
    }

    /// Exit code of the newest run: of the first rank that failed, or 0. Absent if no command ran to an end.
    async fn exit_code(&self) -> Option<i32> {
        self.row.exit_code
    }

    /// The priority it was submitted with.
    async fn priority(&self) -> Result<Priority> {
        Ok(Priority::from_value(self.row.priority)?)
    }

    /// Node group.
    async fn group(&self) -> &str {
        &self.row.group_name
    }

    /// Zone of the group that it is pinned to.
    async fn zone(&self) -> Option<&str> {
        self.row.zone.as_deref()
    }

    /// Number of nodes, and so of ranks.
    async fn node_count(&self) -> i32 {
        self.row.node_count
    }

    /// Name of the environment it runs in.
    async fn environment(&self) -> Result<&str> {
        Ok(self.spec()?.image())
    }

    /// Directory in which its command runs.
    async fn workspace(&self) -> Result<&str> {
        Ok(self.spec()?.workspace())
    }

    /// Path of the entrypoint and its parameters.
    async fn command(&self) -> Result<String> {
        Ok(self.spec()?.command())
    }

    /// Words to find it again, at most 64, in order.
    async fn tags(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        let tags = ctx.loaders().load(TagsOf(self.row.id)).await?;
        Ok(tags.unwrap_or_default())
    }

    /// The team whose members may see it and its logs; absent if it is not shared.
    async fn shared_in_group(&self) -> Option<&str> {
        self.row.shared_in.as_deref()
    }

    /// Number of runs so far.
    async fn run_count(&self) -> i32 {
        self.row.run_count
    }

    /// How many times it was run again.
    async fn restart_count(&self) -> i32 {
        (self.row.run_count - 1).max(0)
    }

    /// When it was submitted.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When the command of its first run started on all nodes.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.row.started_at
    }

    /// When it finished.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.row.finished_at
    }

    /// Why it waits; absent if it does not, and before the scheduler has looked at it.
    async fn wait(&self, ctx: &Context<'_>) -> Option<Wait> {
        domain::task::wait(&self.row, ctx.app().now()).map(Into::into)
    }

    /// The newest run, also after its end; absent before the first.
    async fn current_run(&self, ctx: &Context<'_>) -> Result<Option<Run>> {
        if let Some(seen) = &self.seen {
            return Ok(seen.run.clone());
        }
        let newest = self.row.run_count;
        if newest == 0 {
            return Ok(None);
        }
        let key = RunsOf {
            task_id: self.row.id,
            numbers: newest..=newest,
        };
        let runs = ctx.loaders().load(key).await?.unwrap_or_default();
        Ok(runs.into_iter().next().map(Run::from))
    }

    /// All runs, the newest first.
    #[graphql(complexity = "limits::page(first, None, child_complexity)")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many runs: at most 500, 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only runs behind this cursor.")] after: Option<String>,
    ) -> Result<RunConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        run::page(ctx, &self.row, &args).await
    }

    /// Only in events of subscriptions: what to connect again with, as `after`.
    async fn cursor(&self) -> Option<&str> {
        self.seen.as_ref().map(|seen| seen.cursor.as_str())
    }

    /// The document that was submitted.
    async fn schema(&self) -> Json<&Value> {
        Json(&self.row.document)
    }
}

/// Why a task waits.
#[derive(Debug, SimpleObject)]
pub(crate) struct Wait {
    /// Name of the reason, for programs: `OUT_OF_QUOTA`, `NOT_ENOUGH_NODES` and others; new ones may come.
    reason: String,
    /// The reason in words, for people.
    message: String,
    /// Place in the line of its node group, 1 being the next to start.
    position: Option<i32>,
    /// When time alone ends the wait.
    until: Option<DateTime<Utc>>,
}

impl From<domain::task::Wait> for Wait {
    fn from(wait: domain::task::Wait) -> Self {
        Self {
            reason: wait.reason,
            message: wait.message,
            position: wait.position.map(int),
            until: wait.until,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::TestApi;

    #[tokio::test]
    async fn a_specification_that_cannot_be_read_is_our_mistake_and_nobody_elses_field() {
        let api = TestApi::with_nodes(1).await;
        let mut row = api.platform.submit("t", 1).await;
        row.spec = json!({ "name": "t" });
        let task = Task::from(row);
        let error = task.spec().unwrap_err();
        assert!(matches!(*error, Error::Internal(_)));
        assert!(
            error.chain().contains("task 1 cannot be read: "),
            "{}",
            error.chain()
        );
        assert_eq!(
            shown_state(&task.row),
            domain::task::ShownState::WaitingInit
        );
    }
}
