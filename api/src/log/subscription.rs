//! Logs, live.

use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use domain::events::Event;
use domain::logs::Cursor;
use domain::task::State;
use futures_util::Stream;
use tokio::time::Instant;

use super::object::TaskLogEvent;
use super::reader::{MOST_ITEMS, Part, Reader, place};
use crate::context::Access;
use crate::live::{self, Source, Waker};

/// How long a line may stay unfinished before its beginning is given out.
const UNFINISHED: Duration = Duration::from_millis(200);
/// How often to look without being woken: shared file systems tell nobody.
const PERIOD: Duration = Duration::from_secs(1);

/// Logs, live.
#[derive(Debug, Default)]
pub(crate) struct LogSubscription;

#[Subscription]
impl LogSubscription {
    /// What a rank of a task has printed and prints, in all its runs. Whole lines come at once, the beginning of an
    /// unfinished one after 200 ms. Ends after the task has finished and everything was given out.
    async fn task_log_appended(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
        #[graphql(desc = "The rank.", default = 0)] rank: i32,
        #[graphql(desc = "Only what is behind this cursor; from the beginning if left out.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<TaskLogEvent>> + use<>> {
        let waker = Waker::new(&ctx.app().events);
        Ok(live::results(Follow {
            after: place(after.as_deref())?,
            reader: Reader::open(ctx, &id, rank).await?,
            waker,
            quiet_since: None,
            ended: false,
        }))
    }
}

/// Gives what the log grew by.
struct Follow {
    reader: Reader,
    waker: Waker,
    after: Option<Cursor>,
    /// Since when there has been no whole line.
    quiet_since: Option<Instant>,
    ended: bool,
}

impl Source for Follow {
    type Item = TaskLogEvent;

    async fn next(&mut self) -> domain::Result<Option<TaskLogEvent>> {
        if self.ended {
            return Ok(None);
        }
        loop {
            self.waker.reset();
            // Invariant: the task is read before its log. If it had finished by then, nothing is missing from the page.
            self.reader.refresh().await?;
            let is_over = self.reader.task.state == State::Finished;
            let is_quiet = self
                .quiet_since
                .is_some_and(|since| since.elapsed() >= UNFINISHED);
            let part = Part {
                after: self.after,
                most: MOST_ITEMS,
                partial: is_over || is_quiet,
            };
            let page = self.reader.page(part).await?;
            self.after = Some(page.cursor);
            self.ended = is_over && !page.has_next;
            if self.ended || !page.items.is_empty() {
                self.quiet_since = None;
                return Ok(Some(TaskLogEvent::new(page, self.ended)));
            }
            self.wait(is_quiet).await;
        }
    }
}

impl Follow {
    /// Waits for more, or until it is time to give out an unfinished line.
    async fn wait(&mut self, is_quiet: bool) {
        let id = self.reader.task.id;
        let matters = move |event| match event {
            Event::Task(changed) | Event::Run(changed, _) | Event::Log(changed) => changed == id,
            Event::Resync => true,
            Event::Nodes | Event::Quotas => false,
        };
        if is_quiet {
            self.waker.wait(PERIOD, matters).await;
            self.quiet_since = None;
        } else {
            let since = *self.quiet_since.get_or_insert_with(Instant::now);
            let rest = UNFINISHED.saturating_sub(since.elapsed());
            self.waker.wait(rest, matters).await;
        }
    }
}
