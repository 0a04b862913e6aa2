//! Removes what is over: processes and directories of ranks without an open run, and a little at a time what is so old that nobody
//! wants to know. Seals what people did.

use std::collections::BTreeSet;

use entity::run;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{LOOK_AGAIN, Tick, Worker};
use crate::app::App;
use crate::audit;
use crate::error::Result;
use crate::events::Event;
use crate::retention::Keeper;
use crate::run::OPEN;
use crate::runtime::{Killed, RankKey};

/// So many ranks are forgotten at once; nothing is started meanwhile.
const AT_ONCE: usize = 50;

/// Cleans up.
#[derive(Debug)]
pub struct Janitor {
    app: App,
    keeper: Keeper,
}

impl Janitor {
    /// A janitor.
    pub fn new(app: App) -> Self {
        Self {
            app,
            keeper: Keeper::default(),
        }
    }

    /// Kills and forgets ranks whose run is over or unknown, and says whether some are still ending. One that resists does not
    /// protect the others.
    async fn sweep(&self) -> Result<bool> {
        // What runs is listed before what is open is read: a run that begins in between is not swept.
        let ranks = self.app.runtime.list().await?;
        let open = self.open_runs().await?;
        let is_stray = |rank: &RankKey| !open.contains(&(rank.task, rank.run));
        let strays: Vec<RankKey> = ranks.into_iter().filter(is_stray).collect();
        let (mut failure, mut is_left) = (None, false);
        for some in strays.chunks(AT_ONCE) {
            let forgotten = self.app.runtime.forget_all(some).await;
            for (rank, forgotten) in some.iter().zip(forgotten) {
                // Nearly all have ended by themselves: only what still has processes is killed.
                if forgotten.is_ok() {
                    continue;
                }
                match self.remove(rank).await {
                    Ok(Killed::Gone) => {}
                    Ok(Killed::Going) => is_left = true,
                    Err(error) => {
                        tracing::warn!(%rank, error = error.chain(), "a stray is not removed");
                        failure.get_or_insert(error);
                    }
                }
            }
        }
        failure.map_or(Ok(is_left), Err)
    }

    async fn remove(&self, rank: &RankKey) -> Result<Killed> {
        let killed = self.app.runtime.kill(rank).await?;
        if killed == Killed::Gone {
            self.app.runtime.forget(rank).await?;
        }
        Ok(killed)
    }

    /// The open runs, by task and number.
    async fn open_runs(&self) -> Result<BTreeSet<(i64, i32)>> {
        Ok(run::Entity::find()
            .filter(run::Column::State.is_in(OPEN))
            .all(self.app.reader())
            .await?
            .into_iter()
            .map(|run| (run.task_id.0, run.number))
            .collect())
    }
}

/// Seals what people did, and drops a piece of what is older than it has to be. Says whether there may be more to drop.
async fn tend_audit_log(app: &App) -> Result<bool> {
    while audit::is_to_be_sealed(app.reader(), app.now()).await? {
        let tx = app.begin().await?;
        audit::seal(&tx).await?;
        tx.commit().await?;
    }
    let Some(keep) = app.settings.audit_keep else {
        return Ok(false);
    };
    let than = app.now() - keep;
    if !audit::is_to_be_dropped(app.reader(), than).await? {
        return Ok(false);
    }
    let tx = app.begin().await?;
    let dropped = audit::drop_older(&tx, than).await?;
    tx.commit().await?;
    Ok(dropped)
}

impl Worker for Janitor {
    const NAME: &'static str = "janitor";

    fn wakes_on(event: Event) -> bool {
        match event {
            Event::Resync => true,
            Event::Task(_)
            | Event::Wait(_)
            | Event::Run(..)
            | Event::Log(..)
            | Event::Nodes
            | Event::Quotas
            | Event::Access(_) => false,
        }
    }

    async fn tick(&mut self) -> Result<Tick> {
        let swept = self.sweep().await;
        let drops = tend_audit_log(&self.app).await?;
        let removes = self.keeper.tend(&self.app).await?;
        self.app.store.checkpoint().await?;
        // What was removed is followed by more in the next tick, and everybody else writes in between.
        let mut tick = Tick {
            progress: drops || removes,
            ..Tick::default()
        };
        tick.also_at(swept?.then(|| self.app.now() + LOOK_AGAIN));
        Ok(tick)
    }
}
