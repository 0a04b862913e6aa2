//! Starts the agents of runs that are to start: idempotent, so a crash anywhere only repeats it.

use entity::{pod, run, task};
use protocol::{ExitCause, RankExit};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::driver::Failures;
use super::{Tick, Worker};
use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::run::{RankReport, apply, launch, pods_of, set_rendezvous};
use crate::runtime::{RunKey, RuntimeError};

/// Launches.
#[derive(Debug)]
pub struct Launcher {
    app: App,
}

impl Launcher {
    /// A launcher.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    /// Starts what of one run is not started yet.
    async fn launch(&self, run: &run::Model) -> Result<()> {
        let app = &self.app;
        let task = task::Entity::find_by_id(run.task_id)
            .one(app.reader())
            .await?
            .ok_or_else(|| Error::not_found("task", run.task_id))?;
        let pods = pods_of(app.reader(), &[run.id]).await?;
        if run.master_addr.is_none() {
            // Nothing is started before where to meet is written: the next tick goes on.
            return self.choose_rendezvous(run, &pods).await;
        }
        for pod in pods.iter().filter(|pod| pod.state == pod::State::Created) {
            let failure = match launch(app, &task, run, pod).await {
                Ok(launch) => match app.runtime.start(&launch).await {
                    Ok(()) => continue,
                    Err(RuntimeError::Rejected { reason }) => reason,
                    Err(error @ RuntimeError::Unavailable { .. }) => return Err(error.into()),
                },
                // Only what no repetition can mend; a database that is busy is not a reason to give up.
                Err(error @ (Error::NotFound { .. } | Error::Unsupported(_))) => error.to_string(),
                Err(error) => return Err(error),
            };
            self.give_up(run, pod, failure).await?;
        }
        Ok(())
    }

    async fn choose_rendezvous(&self, run: &run::Model, pods: &[pod::Model]) -> Result<()> {
        let key = RunKey {
            task: run.task_id.0,
            run: run.number,
        };
        let nodes: Vec<String> = pods.iter().map(|pod| pod.node_name.clone()).collect();
        let rendezvous = self.app.runtime.rendezvous(&key, &nodes).await?;
        let mut tx = self.app.begin().await?;
        set_rendezvous(&mut tx, run, &rendezvous).await?;
        tx.commit().await
    }

    /// The rank can never be started: the run ends for it.
    async fn give_up(&self, run: &run::Model, pod: &pod::Model, reason: String) -> Result<()> {
        tracing::warn!(
            run.id = run.id.0,
            pod.rank,
            reason,
            "a rank cannot be started"
        );
        let exit = RankExit {
            cause: ExitCause::StartFailed,
            code: None,
            signal: None,
            message: Some(reason),
            suspend: None,
        };
        let mut tx = self.app.begin().await?;
        let report = RankReport {
            log_end: 0,
            started: false,
            suspend: None,
            exit: Some(exit),
        };
        apply(&tx, pod, &report).await?;
        tx.wake(Event::Run(run.task_id, run.id));
        tx.commit().await
    }
}

impl Worker for Launcher {
    const NAME: &'static str = "launcher";

    fn wakes_on(event: Event) -> bool {
        match event {
            Event::Run(..) | Event::Resync => true,
            Event::Task(_) | Event::Log(..) | Event::Nodes | Event::Quotas => false,
        }
    }

    async fn tick(&mut self) -> Result<Tick> {
        let runs = run::Entity::find()
            .filter(run::Column::State.eq(run::State::Starting))
            .order_by_asc(run::Column::Id)
            .all(self.app.reader())
            .await?;
        let mut failures = Failures::default();
        for run in &runs {
            if let Err(error) = self.launch(run).await {
                failures.note(run.id, error);
            }
        }
        failures.or(Tick::default())
    }
}
