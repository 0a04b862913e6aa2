//! Loads the snapshot, asks the planner, and commits its decisions in one transaction.

use chrono::{DateTime, Utc};
use entity::run::{self, DrainReason};
use entity::task;
use entity::{TaskId, reservation};
use scheduler::{Decision, Level, NodeName, Plan, Policy, TaskKey, plan};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::live::Live;
use super::waits::{self, Waits};
use super::{Tick, Worker};
use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::run::{NewRun, RunEvent};
use crate::store::Tx;
use crate::task::{TaskEvent, next};

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
            commit(&mut tx, &self.app, &mut live, &plan).await?;
            waits::write(&mut tx, &news).await?;
            let now = tx.now();
            tx.commit().await?;
            for (level, submitted) in first_runs(&plan, &live) {
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

/// Tasks that the plan runs for the first time: at which level, and when they were submitted.
fn first_runs(plan: &Plan, live: &Live) -> Vec<(Level, DateTime<Utc>)> {
    let started = plan.decisions.iter().filter_map(|decision| match decision {
        Decision::Start { task, level, .. } => Some((*level, live.task(*task).ok()?)),
        Decision::Relevel { .. } | Decision::Preempt { .. } | Decision::Release { .. } => None,
    });
    let first = started.filter(|(_, task)| task.run_count == 0);
    first
        .map(|(level, task)| (level, task.created_at))
        .collect()
}

/// Makes the decisions true. One that does not fit any more fails the whole plan: the next tick makes a new one.
async fn commit(tx: &mut Tx, app: &App, live: &mut Live, plan: &Plan) -> Result<()> {
    for decision in &plan.decisions {
        match decision {
            Decision::Start { task, level, nodes } => {
                release(tx, *task).await?;
                start(tx, live, *task, *level, nodes).await?;
            }
            Decision::Relevel { task, level } => {
                let run = live.run_mut(*task)?;
                *run = crate::run::set_level(tx, run, level.value()).await?;
            }
            Decision::Preempt {
                task,
                victims,
                nodes,
                level: _,
            } => {
                reserve(tx, *task, nodes).await?;
                for victim in victims {
                    suspend(tx, app, live.run(*victim)?, *task).await?;
                }
            }
            Decision::Release { task } => release(tx, *task).await?,
        }
    }
    Ok(())
}

async fn start(
    tx: &mut Tx,
    live: &Live,
    task: TaskKey,
    level: Level,
    nodes: &[NodeName],
) -> Result<()> {
    let planned = live.task(task)?.version;
    let row = task::Entity::find_by_id(TaskId(task.0))
        .one(tx.db())
        .await?;
    let task = row
        .as_ref()
        .filter(|row| row.version == planned)
        .ok_or_else(|| Error::Conflict("a planned task was changed".to_owned()))?;
    next(task.state, TaskEvent::Start).map_err(|error| Error::Internal(error.into()))?;
    crate::task::start(tx, task).await?;
    let nodes: Vec<String> = nodes.iter().map(|node| node.0.clone()).collect();
    let new = NewRun {
        task_id: task.id,
        number: task.run_count + 1,
        level: level.value(),
        nodes: &nodes,
    };
    crate::run::insert(tx, new).await?;
    tracing::info!(task.id = task.id.0, ?nodes, "a run begins");
    Ok(())
}

async fn reserve(tx: &Tx, task: TaskKey, nodes: &[NodeName]) -> Result<()> {
    let rows = nodes.iter().map(|node| reservation::ActiveModel {
        node_name: Set(node.0.clone()),
        task_id: Set(TaskId(task.0)),
        created_at: Set(tx.now()),
    });
    reservation::Entity::insert_many(rows)
        .exec_without_returning(tx.db())
        .await?;
    Ok(())
}

async fn release(tx: &Tx, task: TaskKey) -> Result<()> {
    reservation::Entity::delete_many()
        .filter(reservation::Column::TaskId.eq(task.0))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// The run gives way for another task.
async fn suspend(tx: &mut Tx, app: &App, run: &run::Model, for_task: TaskKey) -> Result<()> {
    crate::run::next(crate::run::phase(run), RunEvent::Suspend)
        .map_err(|error| Error::Internal(error.into()))?;
    let message = format!("it gives way to task {for_task} of a higher level");
    crate::run::drain(tx, run, DrainReason::Suspend, &app.settings.graces).await?;
    crate::run::set_message(tx, run, &message).await?;
    tracing::info!(
        task.id = run.task_id.0,
        for_task.id = for_task.0,
        "a run gives way"
    );
    Ok(())
}
