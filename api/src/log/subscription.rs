//! Logs, live.

use async_graphql::{Context, ID, Result, Subscription};
use domain::logs::{Cursor, Page};
use domain::task::State;
use futures_util::Stream;

use super::course::{Course, Step, Until};
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
        let course = ctx.data_opt::<Course>().cloned();
        let course = course.unwrap_or_else(|| Course::new(None, Until::Ever));
        let after = place(after.as_deref())?;
        Ok(live::results(Follow {
            after: course.after.or(after),
            course,
            reader: Reader::open(ctx, &id, rank).await?,
            tailers: ctx.data_unchecked::<Tailers>().clone(),
            seat: None,
            is_done: false,
            ended: false,
        }))
    }
}

/// Gives what the log grew by: what others have not read already by itself, and everything after that beside them.
struct Follow {
    course: Course,
    reader: Reader,
    tailers: Tailers,
    /// Everything before it was given out, nothing behind it.
    after: Option<Cursor>,
    /// At the end of the log; absent while it reads by itself.
    seat: Option<Seat>,
    /// Whether it has come to the end of its course.
    is_done: bool,
    /// Whether it has come to the end of the log.
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
        while !self.is_done && !self.ended {
            let start = self.after;
            let event = self.advance().await?;
            if let Some(cursor) = self.after
                && (event.is_some() || self.is_done)
            {
                let ended = self.ended;
                self.course.note(Step {
                    start,
                    cursor,
                    ended,
                });
            }
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }
}

impl Follow {
    async fn advance(&mut self) -> domain::Result<Option<TaskLogEvent>> {
        match (&mut self.seat, self.course.until) {
            (None, Until::Place(place)) => {
                self.is_done = Some(place) <= self.after;
                if self.is_done {
                    return Ok(None);
                }
                let event = self.read_up_to(place).await?;
                self.is_done = event.is_none();
                Ok(event)
            }
            (None, Until::Now | Until::Ever) => self.read_alone().await,
            // A tailer that was there before may have given out the beginning of an unfinished line.
            (Some(seat), _) if self.after < Some(seat.place) => {
                let place = seat.place;
                let event = self.read_up_to(place).await?;
                if let (None, Some(seat), Some(after)) = (&event, &mut self.seat, self.after) {
                    seat.place = after;
                }
                Ok(event)
            }
            (Some(seat), _) => {
                let piece = seat.next().await;
                Ok(self.take(piece.as_deref()))
            }
        }
    }

    /// Reads on by itself. Takes a seat when there is nothing more for now.
    async fn read_alone(&mut self) -> domain::Result<Option<TaskLogEvent>> {
        // Invariant: the task is read before its log. If it had finished by then, nothing is missing from the page.
        self.reader.refresh().await?;
        let is_over = self.reader.task.state == State::Finished;
        let page = self.page(is_over).await?;
        self.ended = is_over && !page.has_next;
        self.after = Some(page.cursor);
        if !is_over && !page.has_next {
            self.is_done = self.course.until == Until::Now;
            if !self.is_done {
                self.seat = Some(self.reader.seat(&self.tailers, page.cursor));
            }
        }
        let is_event = self.ended || !page.items.is_empty();
        Ok(is_event.then(|| TaskLogEvent::new(page, self.ended)))
    }

    /// Reads by itself up to a place. The item in which that lies is given out as a whole; whoever comes there later
    /// knows it. Nothing if there is nothing more.
    async fn read_up_to(&mut self, place: Cursor) -> domain::Result<Option<TaskLogEvent>> {
        let mut page = self.page(true).await?;
        let n_before = page
            .items
            .partition_point(|item| item.cursor_after <= place);
        page.items.truncate(n_before.max(1));
        if let Some(last) = page.items.last() {
            page.cursor = last.cursor_after;
        }
        self.after = Some(page.cursor);
        Ok((!page.items.is_empty()).then(|| TaskLogEvent::new(page, false)))
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
