//! Logs, live.

use async_graphql::{Context, ID, Result, Subscription};
use domain::logs::{Cursor, Page};
use domain::task::State;
use futures_util::Stream;

use super::object::TaskLogEvent;
use super::reader::{MOST_ITEMS, Part, Reader, place};
use super::tailer::{Piece, Seat, Tailers};
use crate::live::{self, Source};

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
        Ok(live::results(Follow {
            after: place(after.as_deref())?,
            reader: Reader::open(ctx, &id, rank).await?,
            tailers: ctx.data_unchecked::<Tailers>().clone(),
            seat: None,
            ended: false,
        }))
    }
}

/// Gives what the log grew by: what others have not read already by itself, and everything after that beside them.
struct Follow {
    reader: Reader,
    tailers: Tailers,
    /// Everything before it was given out, nothing behind it.
    after: Option<Cursor>,
    /// At the end of the log; absent while it reads by itself.
    seat: Option<Seat>,
    ended: bool,
}

/// What a piece is to a follower.
enum Use {
    /// The next event.
    Next(TaskLogEvent),
    /// Nothing: it was given out already.
    Known,
    /// Something is missing in front of it.
    Apart,
}

impl Source for Follow {
    type Item = TaskLogEvent;

    async fn next(&mut self) -> domain::Result<Option<TaskLogEvent>> {
        while !self.ended {
            let event = match &mut self.seat {
                None => self.read_alone().await?,
                Some(seat) if self.after < Some(seat.place) => self.catch_up().await?,
                Some(seat) => {
                    let piece = seat.next().await;
                    self.take(piece.as_deref())
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }
}

impl Follow {
    /// Reads on by itself. Takes a seat when there is nothing more for now.
    async fn read_alone(&mut self) -> domain::Result<Option<TaskLogEvent>> {
        // Invariant: the task is read before its log. If it had finished by then, nothing is missing from the page.
        self.reader.refresh().await?;
        let is_over = self.reader.task.state == State::Finished;
        let page = self.page(is_over).await?;
        self.ended = is_over && !page.has_next;
        self.after = Some(page.cursor);
        if !is_over && !page.has_next {
            self.seat = Some(self.reader.seat(&self.tailers, page.cursor));
        }
        let is_event = self.ended || !page.items.is_empty();
        Ok(is_event.then(|| TaskLogEvent::new(page, self.ended)))
    }

    /// Reads by itself up to where its seat is: a tailer that was there before may have given out the beginning of an
    /// unfinished line.
    async fn catch_up(&mut self) -> domain::Result<Option<TaskLogEvent>> {
        let mut page = self.page(true).await?;
        let Some(seat) = &mut self.seat else {
            return Ok(None);
        };
        let n_before = page
            .items
            .partition_point(|item| item.cursor_after <= seat.place);
        // One that goes beyond is given out as a whole, and is known when the tailer comes to it.
        page.items.truncate(n_before.max(1));
        let Some(last) = page.items.last() else {
            seat.place = page.cursor;
            return Ok(None);
        };
        page.cursor = last.cursor_after;
        self.after = Some(page.cursor);
        Ok(Some(TaskLogEvent::new(page, false)))
    }

    async fn page(&self, partial: bool) -> domain::Result<Page> {
        let part = Part {
            after: self.after,
            most: MOST_ITEMS,
            partial,
        };
        self.reader.page(part).await
    }

    /// Takes a piece from its seat. Without one, and if something is missing in front of it, it goes on by itself.
    fn take(&mut self, piece: Option<&Piece>) -> Option<TaskLogEvent> {
        match piece.map_or(Use::Apart, |piece| self.use_of(piece)) {
            Use::Next(event) => {
                self.after = piece.map(|piece| piece.cursor).max(self.after);
                self.ended = piece.is_some_and(|piece| piece.ended);
                Some(event)
            }
            Use::Known => None,
            Use::Apart => {
                self.seat = None;
                None
            }
        }
    }

    fn use_of(&self, piece: &Piece) -> Use {
        match self.after.and_then(|after| piece.behind(after)) {
            Some(items) => Use::Next(TaskLogEvent::shared(items, piece.cursor, piece.ended)),
            None if Some(piece.cursor) <= self.after && !piece.ended => Use::Known,
            None => Use::Apart,
        }
    }
}
