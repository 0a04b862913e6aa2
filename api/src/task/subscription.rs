//! Tasks, live.

use async_graphql::{Context, ID, Result, Subscription};
use domain::App;
use domain::auth::Actor;
use domain::task::{self, PageRequest, TaskId};
use futures_util::Stream;

use super::Task;
use super::changes::Changes;
use super::filter::TaskFilter;
use super::sight::Sight;
use crate::context::Access;
use crate::id::task_id;
use crate::live::{self, Source, Waker};
use crate::shared::Place;

/// Tasks, live.
#[derive(Debug, Default)]
pub(crate) struct TaskSubscription;

#[Subscription]
impl TaskSubscription {
    /// One task: as it is now, then after each change of it or its newest run. Changes in quick succession may arrive as
    /// one. Ends after the task has finished. Whoever connects again with the `cursor` of the last event misses nothing:
    /// if the task is still as it was then, nothing comes before the next change.
    async fn task_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
        #[graphql(
            desc = "Cursor of the state that you know; any other text is as good as none. As a variable of its own it \
                    costs the platform least."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Task>> + use<>> {
        ctx.user()?;
        let id = task_id(&id)?;
        let place = ctx.data_opt::<Place>().cloned();
        Ok(live::results(OneTask {
            waker: Waker::new(&ctx.app().events, id),
            app: ctx.app().clone(),
            actor: ctx.actor().clone(),
            id,
            // What each of many knows is considered where they listen.
            known: after.filter(|_| place.is_none()),
            place,
            is_over: false,
        }))
    }

    /// Each task that you may see and that matches, whenever it or its newest run changes. Changes of one task in quick
    /// succession may arrive as one. If more changes than can be remembered, it ends with the code `CONFLICT`: subscribe
    /// again, then read the list. It has no cursor: whoever connects again reads the list for what changed meanwhile.
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
    /// Cursor of the state that was given last, or was known before.
    known: Option<String>,
    /// Where the cursor is noted if many get what this gives.
    place: Option<Place>,
    is_over: bool,
}

impl Source for OneTask {
    type Item = Task;

    async fn next(&mut self) -> domain::Result<Option<Task>> {
        while !self.is_over {
            self.waker.reset();
            let sight = Sight::read(&self.app, &self.actor, self.id).await?;
            self.is_over = sight.is_last();
            let cursor = sight.cursor();
            if self.known.as_ref() != Some(&cursor) {
                self.known = Some(cursor.clone());
                if let Some(place) = &self.place {
                    place.note(cursor.clone());
                }
                return Ok(Some(Task::seen(sight, cursor)));
            }
            if !self.is_over {
                self.waker.wait(self.app.settings.period).await;
            }
        }
        Ok(None)
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
