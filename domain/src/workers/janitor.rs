//! Removes what is over: processes and directories of ranks without an open run, and old idempotency keys.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::{run, submission};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::{Tick, Worker};
use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::runtime::RankKey;

/// How long an idempotency key is remembered.
const KEY_LIFE: TimeDelta = TimeDelta::hours(24);

/// Cleans up.
#[derive(Debug)]
pub struct Janitor {
    app: App,
}

impl Janitor {
    /// A janitor.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    /// Kills and forgets ranks whose run is over or unknown.
    async fn sweep(&self) -> Result<()> {
        let ranks = self.app.runtime.list().await?;
        let open = self.open_runs(&ranks).await?;
        for rank in ranks {
            if open.contains(&(rank.task, rank.run)) {
                continue;
            }
            self.app.runtime.kill(&rank).await?;
            self.app.runtime.forget(&rank).await?;
        }
        Ok(())
    }

    /// The open runs among those of the ranks, by task and number.
    async fn open_runs(&self, ranks: &[RankKey]) -> Result<BTreeSet<(i64, i32)>> {
        let any = ranks.iter().fold(Condition::any(), |any, rank| {
            any.add(
                Condition::all()
                    .add(run::Column::TaskId.eq(rank.task))
                    .add(run::Column::Number.eq(rank.run)),
            )
        });
        if any.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(run::Entity::find()
            .filter(any)
            .filter(run::Column::State.ne(run::State::Ended))
            .all(self.app.reader())
            .await?
            .into_iter()
            .map(|run| (run.task_id.0, run.number))
            .collect())
    }
}

impl Worker for Janitor {
    const NAME: &'static str = "janitor";

    fn wakes_on(event: Event) -> bool {
        match event {
            Event::Resync => true,
            Event::Task(_) | Event::Run(..) | Event::Log(_) | Event::Nodes | Event::Quotas => false,
        }
    }

    async fn tick(&mut self) -> Result<Tick> {
        self.sweep().await?;
        let tx = self.app.begin().await?;
        submission::Entity::delete_many()
            .filter(submission::Column::CreatedAt.lt(tx.now() - KEY_LIFE))
            .exec(tx.db())
            .await?;
        tx.commit().await?;
        self.app.store.checkpoint().await?;
        Ok(Tick::default())
    }
}
