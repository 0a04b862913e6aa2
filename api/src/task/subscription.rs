//! Tasks, live.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use async_graphql::{Context, ID, Result, Subscription};
use domain::auth::Actor;
use domain::events::{Event, Listener};
use domain::task::{self, Changes, Mark, Position, Snapshot, TaskId};
use domain::{App, Error};
use futures_util::Stream;
use tokio::time::sleep;

use super::Task;
use super::filter::TaskFilter;
use super::sight::Sight;
use crate::context::Access;
use crate::id::{self, task_id};
use crate::live::{self, Source, Waker};
use crate::shared::{Each, Newest, Share};

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
        let newest = match ctx.data_opt::<Share>() {
            Some(Share::Newest(newest)) => Some(Arc::clone(newest)),
            _ => None,
        };
        Ok(live::results(OneTask {
            waker: Waker::new(&ctx.app().events, id),
            app: ctx.app().clone(),
            actor: ctx.actor().clone(),
            id,
            // What each of many knows is considered where they listen.
            known: after.filter(|_| newest.is_none()),
            newest,
            is_over: false,
        }))
    }

    /// Each task that `tasks` would list with the same filter, whenever it or its newest run changes. Changes of one task in quick
    /// succession may arrive as one. Whoever connects again with the `cursor` of the last event misses nothing and gets
    /// nothing twice, whichever server it asks.
    async fn tasks_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only tasks that match after the change.")] filter: Option<TaskFilter>,
        #[graphql(
            desc = "Cursor of the last event that you know. As a variable of its own it costs the platform least."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Task>> + use<>> {
        ctx.user()?;
        let app = ctx.app();
        let listener = app.events.subscribe();
        let now = Snapshot::now(app.reader()).await?;
        let (known, each, until) = match ctx.data_opt::<Share>() {
            Some(Share::Each(each)) => (None, Some(Arc::clone(each)), None),
            Some(Share::Until(known, until)) => (Some(known.clone()), None, Some(until.clone())),
            _ => (after.as_deref().map(position).transpose()?, None, None),
        };
        let known = match known {
            Some(known) if known.is_ahead_of(&now) => return Err(ahead().into()),
            Some(known) => known,
            None => Position::at(now),
        };
        if let Some(each) = &each {
            each.read_to(known.seen());
        }
        Ok(live::results(ManyTasks {
            changes: Changes::after(known, until),
            app: app.clone(),
            actor: ctx.actor().clone(),
            filter: filter.unwrap_or_default().resolve(app).await?,
            listener,
            each,
            read: VecDeque::new(),
        }))
    }
}

fn position(cursor: &str) -> domain::Result<Position> {
    let reason = "must be the cursor of an event of tasksChanged";
    id::position(cursor).map_err(|_| Error::invalid("after", reason))
}

/// Why nobody can go on there.
fn ahead() -> Error {
    let advice = "the cursor is of a later time than the database, which was put back to an earlier state: subscribe \
                  without a cursor, then read the list";
    Error::Conflict(advice.to_owned())
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
    newest: Option<Arc<Newest>>,
    is_over: bool,
}

impl Source for OneTask {
    type Item = Task;

    async fn next(&mut self) -> domain::Result<Option<Task>> {
        while !self.is_over {
            self.waker.reset();
            let look = self.newest.as_ref().map(|newest| (newest, newest.look()));
            let sight = Sight::read(&self.app, &self.actor, self.id).await?;
            self.is_over = sight.is_last();
            let cursor = sight.cursor();
            if self.known.as_ref() != Some(&cursor) {
                self.known = Some(cursor.clone());
                if let Some((newest, look)) = look {
                    newest.note(cursor.clone(), look);
                }
                return Ok(Some(Task::seen(sight, cursor)));
            }
            if let Some((newest, look)) = look {
                newest.is_still(look);
            }
            if !self.is_over {
                let doubted = async {
                    match look {
                        Some((newest, look)) => newest.is_doubted(look).await,
                        None => pending().await,
                    }
                };
                tokio::select! {
                    () = self.waker.wait(self.app.settings.period) => {}
                    () = doubted => {}
                }
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
    listener: Listener,
    /// Where positions are noted if many get what this gives.
    each: Option<Arc<Each>>,
    /// What was read and is not given yet.
    read: VecDeque<(Mark, Sight)>,
}

impl Source for ManyTasks {
    type Item = Task;

    async fn next(&mut self) -> domain::Result<Option<Task>> {
        loop {
            if let Some((mark, sight)) = self.read.pop_front() {
                let position = self.changes.position(mark);
                let cursor = id::of_position(&position);
                if let Some(each) = &self.each {
                    each.note(position);
                }
                return Ok(Some(Task::seen(sight, cursor)));
            }
            self.listener.drain();
            let Some(marks) = self.changes.next(self.app.reader()).await? else {
                return Ok(None);
            };
            if let Some(each) = &self.each {
                each.read_to(self.changes.seen());
            }
            if marks.is_empty() {
                self.wait().await;
            } else {
                let sights = Sight::at(&self.app, &self.actor, &self.filter, &marks);
                self.read = sights.await?.into();
            }
        }
    }
}

impl ManyTasks {
    /// Waits until a task changes. Other processes wake nobody here.
    async fn wait(&mut self) {
        let changed = async {
            loop {
                let event = self.listener.next().await;
                if event == Event::Resync || event.task().is_some() {
                    return;
                }
            }
        };
        tokio::select! {
            () = changed => {}
            () = sleep(self.app.settings.period) => {}
        }
    }
}
