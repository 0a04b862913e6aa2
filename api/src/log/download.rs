//! The log of one rank of one run as a file, for who wants all of it.

use async_graphql::ID;
use domain::auth::Actor;
use domain::logs::{LogError, RankLog, RawLog};
use domain::{App, Error, Result, task};
use futures_util::{Stream, stream};
use tokio_util::task::TaskTracker;

use super::reader::rank_of;
use crate::context;
use crate::id::task_id;

/// Which log, as it stands in an address.
pub(crate) struct Wanted {
    /// Id of the task.
    pub(crate) task: String,
    /// Number of the run.
    pub(crate) run: String,
    /// Index of the rank.
    pub(crate) rank: String,
}

/// What a rank had printed in a run when the download began.
pub(crate) struct Download {
    raw: RawLog,
    /// A name for the file.
    pub(crate) name: String,
    tracker: TaskTracker,
}

impl Download {
    /// Looks the log up.
    ///
    /// # Errors
    /// [`Error::NotFound`] for what is not there, or is none of the actor's business.
    pub(crate) async fn open(
        app: &App,
        actor: &Actor,
        tracker: TaskTracker,
        wanted: Wanted,
    ) -> Result<Self> {
        context::user(actor)?;
        let task = task::get(app.reader(), actor, task_id(&ID(wanted.task))?).await?;
        let number = |text: &str| {
            text.parse::<i32>()
                .ok()
                .filter(|it| it.to_string() == *text)
        };
        let run = number(&wanted.run)
            .filter(|run| (1..=task.run_count).contains(run))
            .ok_or_else(|| Error::not_found("run", wanted.run))?;
        let rank = number(&wanted.rank)
            .and_then(|rank| rank_of(&task, "rank", rank).ok())
            .ok_or_else(|| Error::not_found("rank", wanted.rank))?;
        let log = RankLog {
            user: domain::user::get(app.reader(), task.user_id).await?.name,
            task: task.id.0,
            rank,
            runs: vec![run],
        };
        let logs = app.logs.clone();
        let raw = tracker
            .spawn_blocking(move || logs.raw(&log, run))
            .await
            .map_err(|error| Error::Internal(error.into()))?
            .map_err(|error| Error::Internal(error.into()))?;
        Ok(Self {
            raw,
            name: format!("{}-{run}-{rank}.log", task.id),
            tracker,
        })
    }

    /// Leaves out what is in front of a logical offset.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.raw.skip_to(offset);
    }

    /// Logical offset of the first byte.
    pub(crate) fn offset(&self) -> u64 {
        self.raw.offset()
    }

    /// Logical offset behind the last byte.
    pub(crate) fn end(&self) -> u64 {
        self.raw.end()
    }

    /// The bytes. Nothing is read ahead: a slow client costs one piece of memory.
    pub(crate) fn bytes(self) -> impl Stream<Item = std::result::Result<Vec<u8>, Broken>> + Send {
        let tracker = self.tracker;
        stream::try_unfold(self.raw, move |mut raw| {
            let reading = tracker.spawn_blocking(move || {
                let bytes = raw.read();
                (raw, bytes)
            });
            async move {
                let (raw, bytes) = reading.await.map_err(|_| Broken::Stopped)?;
                match bytes {
                    Ok(bytes) => Ok(bytes.map(|bytes| (bytes, raw))),
                    Err(error) => {
                        tracing::warn!(%error, "a download broke off");
                        Err(Broken::Log(error))
                    }
                }
            }
        })
    }
}

/// A download does not reach its end. The client sees that bytes are missing, and may go on from where it came to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The reading ended.
    #[error("the reading ended early")]
    Stopped,
    /// The log cannot be read, or is not there any more.
    #[error("the log cannot be read")]
    Log(#[source] LogError),
}
