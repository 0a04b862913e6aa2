//! Keeps what went wrong with ranks, for those who ask when the place where it happened has forgotten it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Tick, Worker};
use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::run;
use crate::runtime::{RankEvent, RankKey};

/// So many are written at once: a statement takes only so many values, and others write, too.
const AT_ONCE: usize = 500;

/// What tells an event from all others.
type Key = (RankKey, String);

/// Keeps events.
#[derive(Debug)]
pub struct EventKeeper {
    app: App,
    /// What was kept of what is still told, and how new it was.
    kept: BTreeMap<Key, DateTime<Utc>>,
}

impl EventKeeper {
    /// A keeper who has kept nothing yet.
    pub fn new(app: App) -> Self {
        Self {
            app,
            kept: BTreeMap::new(),
        }
    }
}

impl Worker for EventKeeper {
    const NAME: &'static str = "event_keeper";

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
        let told = self.app.runtime.events().await?;
        let key = |event: &RankEvent| (event.rank, event.uid.clone());
        let is_new = |event: &&RankEvent| self.kept.get(&key(event)) != Some(&event.last_at);
        let news: Vec<RankEvent> = told.iter().filter(is_new).cloned().collect();
        for some in news.chunks(AT_ONCE) {
            let mut tx = self.app.begin().await?;
            run::keep_events(&mut tx, some).await?;
            tx.commit().await?;
        }
        let told = told.iter().map(|event| (key(event), event.last_at));
        self.kept = told.collect();
        Ok(Tick::default())
    }
}
