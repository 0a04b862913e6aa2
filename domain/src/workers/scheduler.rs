//! Loads the snapshot, asks the planner, and commits its [decisions] in one transaction.

use chrono::{DateTime, Utc};
use scheduler::{Decision, Level, Policy, plan};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::live::Live;
use super::waits::{self, Waits};
use super::{Tick, Worker, decisions};
use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;

/// Plans.
#[derive(Debug)]
pub struct Scheduler {
    app: App,
    policy: Policy,
    waits: Option<Waits>,
}

/// The policy that users of the original expect.
pub(crate) fn policy() -> Policy {
    Policy {
        auto_levels: Level::ALL.to_vec(),
        protect_from_higher: 0,
    }
}

impl Scheduler {
    /// A scheduler with the usual policy.
    pub fn new(app: App) -> Self {
        Self {
            app,
            policy: policy(),
            waits: None,
        }
    }
}

impl Worker for Scheduler {
    const NAME: &'static str = "scheduler";
    const REST: u32 = 4;

    fn wakes_on(event: Event) -> bool {
        match event {
            // A run that has passed its gate may give way from then on.
            Event::Task(_) | Event::Run(..) | Event::Nodes | Event::Quotas | Event::Resync => true,
            // Reasons to wait are its own.
            Event::Wait(_) | Event::Log(..) | Event::Access(_) => false,
        }
    }

    async fn tick(&mut self) -> Result<Tick> {
        // A tick that fails leaves none: then what was written is looked up again.
        let mut waits = match self.waits.take() {
            Some(waits) => waits,
            None => Waits::load(self.app.reader()).await?,
        };
        let live = Live::load(&self.app).await?;
        let policy = self.policy.clone();
        // A long line takes long to plan. Meanwhile the threads that answer requests go on.
        let planned = spawn_blocking(move || {
            let begun = Instant::now();
            let plan = plan(&live.snapshot, &policy);
            (live, plan, begun.elapsed())
        });
        let planned = planned.await;
        let (mut live, plan, took) = planned.map_err(|error| Error::Internal(error.into()))?;
        let metrics = &self.app.metrics;
        metrics.plans.note(took, &live.snapshot, &plan.report);
        for issue in &plan.report.issues {
            tracing::warn!(%issue, "a row was left out of the plan");
        }
        let progress = !plan.decisions.is_empty();
        let now = self.app.now();
        let version_of = |task| Some(live.task(task).ok()?.version);
        let news = waits.news(&plan.report, version_of, now);
        if progress || !news.is_empty() {
            let mut tx = self.app.begin().await?;
            let made = decisions::make(&mut tx, &self.app, &mut live, &plan.decisions).await?;
            waits::write(&mut tx, &news).await?;
            let now = tx.now();
            tx.commit().await?;
            decisions::log(&made);
            for (level, submitted) in first_runs(&made, &live) {
                metrics.runs.begun(level, now - submitted);
            }
        }
        let mut tick = Tick {
            progress,
            wake_at: plan.wake_at.and_then(DateTime::from_timestamp_millis),
        };
        tick.also_at(waits.note(news, &plan.report, now));
        self.waits = Some(waits);
        Ok(tick)
    }
}

/// Tasks that run for the first time: at which level, and when they were submitted.
fn first_runs(made: &[&Decision], live: &Live) -> Vec<(Level, DateTime<Utc>)> {
    let started = made.iter().filter_map(|decision| match decision {
        Decision::Start { task, level, .. } => Some((*level, live.task(*task).ok()?)),
        Decision::Relevel { .. } | Decision::Preempt { .. } | Decision::Release { .. } => None,
    });
    let first = started.filter(|(_, task)| task.run_count == 0);
    first
        .map(|(level, task)| (level, task.created_at))
        .collect()
}
