//! Tasks, live.

use async_graphql::{Context, ID, Result, Subscription};
use domain::auth::Actor;
use domain::run::{Pod, Run};
use domain::task::{self, PageRequest, State, Task as Row, TaskId};
use domain::{App, run};
use futures_util::Stream;

use super::Task;
use super::changes::Changes;
use super::filter::TaskFilter;
use crate::context::Access;
use crate::id::task_id;
use crate::live::{self, Source, Waker};

/// Tasks, live.
#[derive(Debug, Default)]
pub(crate) struct TaskSubscription;

#[Subscription]
impl TaskSubscription {
    /// One task: as it is now, then after each change of it or its newest run. Changes in quick succession may arrive as
    /// one. Ends after the task has finished.
    async fn task_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
    ) -> Result<impl Stream<Item = Result<Task>> + use<>> {
        ctx.user()?;
        let id = task_id(&id)?;
        Ok(live::results(OneTask {
            waker: Waker::new(&ctx.app().events, id),
            app: ctx.app().clone(),
            actor: ctx.actor().clone(),
            id,
            seen: None,
        }))
    }

    /// Each task that you may see and that matches, whenever it or its newest run changes. Changes of one task in quick
    /// succession may arrive as one. If more changes than can be remembered, it ends with the code `CONFLICT`: subscribe
    /// again, then read the list.
    async fn tasks_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only tasks that match after the change.")] filter: Option<TaskFilter>,
    ) -> Result<impl Stream<Item = Result<Task>> + use<>> {
        ctx.user()?;
        let changes = Changes::collect(&ctx.app().events, ctx.tracker());
        Ok(live::results(ManyTasks {
            changes,
            app: ctx.app().clone(),
            actor: ctx.actor().clone(),
            filter: filter.unwrap_or_default().resolve(ctx.app()).await?,
        }))
    }
}

/// Gives one task again and again.
struct OneTask {
    app: App,
    actor: Actor,
    id: TaskId,
    waker: Waker,
    seen: Option<Sight>,
}

/// What was last given, as far as a client can see it.
#[derive(PartialEq)]
struct Sight {
    task: Row,
    run: Option<Run>,
    /// Without the length of the log, which nobody sees.
    pods: Vec<(run::PodId, i64)>,
}

impl OneTask {
    async fn look(&self) -> domain::Result<Sight> {
        let db = self.app.reader();
        let task = task::get(db, &self.actor, self.id).await?;
        let newest = task.run_count..=task.run_count;
        let run = run::numbered(db, &[(task.id, newest)]).await?.pop();
        let pods = match &run {
            Some(run) => run::pods_of(db, &[run.id]).await?,
            None => Vec::new(),
        };
        let version = |pod: &Pod| (pod.id, pod.version);
        Ok(Sight {
            pods: pods.iter().map(version).collect(),
            task,
            run,
        })
    }
}

impl Source for OneTask {
    type Item = Task;

    async fn next(&mut self) -> domain::Result<Option<Task>> {
        let is_over = |sight: &Sight| sight.task.state == State::Finished;
        if self.seen.as_ref().is_some_and(is_over) {
            return Ok(None);
        }
        loop {
            self.waker.reset();
            let sight = self.look().await?;
            if self.seen.as_ref() != Some(&sight) {
                let row = sight.task.clone();
                self.seen = Some(sight);
                return Ok(Some(row.into()));
            }
            self.waker.wait(self.app.settings.period).await;
        }
    }
}

/// Gives every task that changed.
struct ManyTasks {
    app: App,
    actor: Actor,
    filter: task::Filter,
    changes: Changes,
}

impl Source for ManyTasks {
    type Item = Task;

    async fn next(&mut self) -> domain::Result<Option<Task>> {
        loop {
            let TaskId(id) = self.changes.next().await?;
            // The part of the list in which only this task can be.
            let request = PageRequest {
                limit: 1,
                after: Some(TaskId(id.saturating_add(1))),
                before: Some(TaskId(id.saturating_sub(1))),
                backwards: false,
            };
            let db = self.app.reader();
            let page = task::list(db, &self.actor, &self.filter, request).await?;
            if let Some(row) = page.tasks.into_iter().next() {
                return Ok(Some(row.into()));
            }
        }
    }
}
