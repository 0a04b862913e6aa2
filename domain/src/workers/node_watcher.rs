//! Takes in which nodes there are and which of them are ready.

use super::{Tick, Worker};
use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::node;

/// Watches nodes.
#[derive(Debug)]
pub struct NodeWatcher {
    app: App,
}

impl NodeWatcher {
    /// A watcher.
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

impl Worker for NodeWatcher {
    const NAME: &'static str = "node_watcher";

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
        let reports = self.app.runtime.nodes().await?;
        let changes = node::compare(self.app.reader(), &reports).await?;
        if !changes.is_empty() {
            let mut tx = self.app.begin().await?;
            node::sync(&mut tx, changes).await?;
            tx.commit().await?;
        }
        let disabled = node::disabled(self.app.reader()).await?;
        self.app.runtime.take_out_of_use(&disabled).await?;
        Ok(Tick::default())
    }
}
