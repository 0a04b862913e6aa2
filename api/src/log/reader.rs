//! Reads the log of one rank of a task, beside the threads that serve requests.

use async_graphql::{Context, ID};
use chrono::{DateTime, Utc};
use domain::auth::Actor;
use domain::logs::{Cursor, LogError, LogStore, Page, PageRequest, Place, RankLog};
use domain::task::{self, Task};
use domain::{App, Error, Result};
use tokio_util::task::TaskTracker;

use super::tailer::{Seat, Tailers};
use crate::context::Access;
use crate::id::task_id;

/// Most items of a page.
pub(super) const MOST_ITEMS: usize = 1000;
/// Most bytes of text of a page, unless it is one long item.
pub(super) const MOST_BYTES: usize = 256 * 1024;

/// The log of one rank of a task that the actor may see.
pub(super) struct Reader {
    pub(super) app: App,
    pub(super) task: Task,
    actor: Actor,
    tracker: TaskTracker,
    /// Name of the owner.
    pub(super) owner: String,
    rank: u32,
}

/// Which part of the log.
pub(super) struct Part {
    /// From here on; absent: from the beginning.
    pub(super) after: Option<Cursor>,
    /// At most so many items.
    pub(super) most: usize,
    /// Whether the beginning of an unfinished line is given out.
    pub(super) partial: bool,
}

impl Reader {
    /// Looks the log up.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a task that the actor may not see, [`Error::Invalid`] for a rank that it does not have.
    pub(super) async fn open(ctx: &Context<'_>, id: &ID, rank: i32) -> Result<Self> {
        ctx.user()?;
        let (app, tracker) = (ctx.app().clone(), ctx.tracker().clone());
        let task = task::get(app.reader(), ctx.actor(), task_id(id)?).await?;
        let rank = rank_of(&task, "rank", rank)?;
        let owner = domain::user::get(app.reader(), task.user_id).await?.name;
        Ok(Self {
            app,
            task,
            actor: ctx.actor().clone(),
            tracker,
            owner,
            rank,
        })
    }

    /// Reads the task again: whether it runs or has finished, and how many runs it has.
    pub(super) async fn refresh(&mut self) -> Result<()> {
        self.task = task::get(self.app.reader(), &self.actor, self.task.id).await?;
        Ok(())
    }

    /// Reads one page of the runs that were there at the last refresh.
    pub(super) async fn page(&self, part: Part) -> Result<Page> {
        let request = PageRequest {
            log: self.log(),
            place: Place::Behind(part.after),
            max_items: part.most,
            max_bytes: MOST_BYTES,
            partial: part.partial,
        };
        self.read("after", move |logs| logs.read_page(&request))
            .await
    }

    /// Reads at most so many items in front of a place; absent: the last ones.
    pub(super) async fn page_before(&self, before: Option<Cursor>, most: usize) -> Result<Page> {
        let request = PageRequest {
            log: self.log(),
            place: Place::Before(before),
            max_items: most,
            max_bytes: MOST_BYTES,
            partial: true,
        };
        self.read("before", move |logs| logs.read_page(&request))
            .await
    }

    /// The place in front of the first line of this moment or later.
    pub(super) async fn place_of(&self, moment: DateTime<Utc>) -> Result<Cursor> {
        let log = self.log();
        self.read("at", move |logs| logs.find_time(&log, moment))
            .await
    }

    /// Takes a seat at the end of the log.
    pub(super) fn seat(&self, tailers: &Tailers, after: Cursor) -> Seat {
        tailers.join(&self.app, &self.tracker, self.log(), after)
    }

    fn log(&self) -> RankLog {
        RankLog {
            user: self.owner.clone(),
            task: self.task.id.0,
            rank: self.rank,
            runs: self.runs(),
        }
    }

    /// Numbers of the runs that were there at the last refresh.
    pub(super) fn runs(&self) -> Vec<i32> {
        (1..=self.task.run_count).collect()
    }

    /// Reads beside the threads that serve requests. What is wrong with the place is said of `argument`.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        argument: &str,
        read: impl FnOnce(&LogStore) -> std::result::Result<T, LogError> + Send + 'static,
    ) -> Result<T> {
        let logs = self.app.logs.clone();
        self.tracker
            .spawn_blocking(move || read(&logs))
            .await
            .map_err(|error| Error::Internal(error.into()))?
            .map_err(|error| match error {
                LogError::OtherRank { .. } => Error::invalid(argument, error.to_string()),
                LogError::Removed { .. } | LogError::Unreadable { .. } => {
                    Error::Internal(error.into())
                }
            })
    }
}

/// The index that a rank of this task has.
///
/// # Errors
/// [`Error::Invalid`] names the argument if the task has no such rank.
pub(super) fn rank_of(task: &Task, argument: &str, rank: i32) -> Result<u32> {
    u32::try_from(rank)
        .ok()
        .filter(|_| rank < task.node_count)
        .ok_or_else(|| {
            let last = task.node_count - 1;
            Error::invalid(
                argument,
                format!("must be between 0 and {last}, not {rank}"),
            )
        })
}

/// The place that a client's cursor means.
///
/// # Errors
/// [`Error::Invalid`] if it is none.
pub(super) fn place(after: Option<&str>) -> Result<Option<Cursor>> {
    place_in("after", after)
}

/// The same for an argument of another name.
///
/// # Errors
/// [`Error::Invalid`] if it is none.
pub(super) fn place_in(argument: &str, cursor: Option<&str>) -> Result<Option<Cursor>> {
    cursor
        .map(|text| {
            text.parse()
                .map_err(|_| Error::invalid(argument, "is not a cursor of a log"))
        })
        .transpose()
}
