//! A write in progress.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::audit;
use sea_orm::DatabaseTransaction;
use tokio_util::task::TaskTracker;

#[cfg(any(test, feature = "testing"))]
use super::faults;
use super::group::Turn;
use super::trail::Trail;
use crate::audit::Act;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::lease::Fence;

/// A write in progress: the transaction, the time it happens at, and whom to wake when it is done.
#[derive(Debug)]
pub struct Tx {
    pub(super) open: Open,
    pub(super) now: DateTime<Utc>,
    pub(super) events: Events,
    pub(super) wakes: BTreeSet<Event>,
    pub(super) acts: Vec<audit::ActiveModel>,
    pub(super) fence: Option<Fence>,
    #[cfg(any(test, feature = "testing"))]
    pub(super) loses_answer: bool,
}

/// An open transaction; undone when dropped.
#[derive(Debug)]
pub(super) struct Open {
    /// There until it is committed.
    pub(super) write: Option<Write>,
    pub(super) writes: TaskTracker,
}

/// Where the statements go.
#[derive(Debug)]
pub(super) enum Write {
    /// A turn of the only writer.
    Turn(Turn),
    /// A transaction of its own.
    Own(DatabaseTransaction),
}

impl Write {
    async fn commit(self, trail: Trail, fence: Option<Fence>) -> Result<()> {
        match self {
            Self::Turn(turn) => match checked(fence, turn.db()).await {
                Ok(()) => turn.commit(trail).await,
                Err(error) => {
                    turn.roll_back().await;
                    Err(error)
                }
            },
            Self::Own(transaction) => {
                trail.write(&transaction).await?;
                checked(fence, &transaction).await?;
                Ok(transaction.commit().await?)
            }
        }
    }
}

async fn checked(fence: Option<Fence>, db: &DatabaseTransaction) -> Result<()> {
    match fence {
        Some(fence) => fence.check(db).await,
        None => Ok(()),
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        match self.write.take() {
            Some(Write::Turn(turn)) => turn.abandon(&self.writes),
            Some(Write::Own(_)) | None => {}
        }
    }
}

impl Tx {
    /// The transaction.
    pub fn db(&self) -> &DatabaseTransaction {
        match self.open.write.as_ref().expect("it is not committed yet") {
            Write::Turn(turn) => turn.db(),
            Write::Own(transaction) => transaction,
        }
    }

    /// It is kept only if the term is not over by then.
    pub(crate) fn fenced(mut self, fence: Option<Fence>) -> Self {
        self.fence = fence;
        self
    }

    /// The time of everything written in this transaction.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Wakes somebody after the commit. A task that is told to have changed is marked in the same transaction, for those
    /// who ask later.
    pub fn wake(&mut self, event: Event) {
        self.wakes.insert(event);
    }

    /// Keeps with it who did it, or tried something else, with its outcome: `OK` or the code of an error.
    pub fn record(&mut self, act: Act, outcome: &str) {
        self.acts.push(act.row(self.now, outcome));
    }

    /// Makes it so, then wakes. Whoever stops waiting for it changes nothing: it comes to its end.
    ///
    /// # Errors
    /// If the database refuses, or the term is over: then nothing of it happened and nobody is woken.
    pub async fn commit(mut self) -> Result<()> {
        let write = self.open.write.take().expect("it is not committed yet");
        let writes = self.open.writes.clone();
        let trail = Trail {
            changed: self.wakes.iter().filter_map(Event::task).collect(),
            acts: std::mem::take(&mut self.acts),
        };
        let committed = writes.spawn(async move {
            write.commit(trail, self.fence).await?;
            #[cfg(any(test, feature = "testing"))]
            if self.loses_answer {
                return Err(faults::scripted_failure());
            }
            for event in self.wakes {
                self.events.publish(event);
            }
            Ok(())
        });
        committed
            .await
            .map_err(|error| Error::Internal(error.into()))?
    }
}
