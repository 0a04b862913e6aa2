//! Starts the agents of runs that are to start: idempotent, so a crash anywhere only repeats it.

use std::collections::BTreeMap;

use entity::{RunId, pod, run, task};
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

    /// Starts the ranks of one run that are not started yet.
    async fn launch(&self, run: &run::Model, ranks: &[pod::Model]) -> Result<()> {
        let app = &self.app;
        let task = task::Entity::find_by_id(run.task_id)
            .one(app.reader())
            .await?
            .ok_or_else(|| Error::not_found("task", run.task_id))?;
        // Nothing is started before where to meet is written.
        let run = match run.master_addr {
            Some(_) => run.clone(),
            None => self.choose_rendezvous(run).await?,
        };
        let (mut launches, mut launched) = (Vec::new(), Vec::new());
        for pod in ranks {
            match launch(app, &task, &run, pod).await {
                Ok(launch) => {
                    launches.push(launch);
                    launched.push(pod);
                }
                // Only what no repetition can mend; a database that is busy is not a reason to give up.
                Err(error @ (Error::NotFound { .. } | Error::Unsupported(_))) => {
                    self.give_up(&run, pod, error.to_string()).await?;
                }
                Err(error) => return Err(error),
            }
        }
        let mut failure = None;
        for (pod, started) in launched.iter().zip(app.runtime.start_all(&launches).await) {
            match started {
                Ok(()) => {}
                Err(RuntimeError::Rejected { reason }) => self.give_up(&run, pod, reason).await?,
                Err(error @ RuntimeError::Unavailable { .. }) => {
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn choose_rendezvous(&self, run: &run::Model) -> Result<run::Model> {
        let key = RunKey {
            task: run.task_id.0,
            run: run.number,
        };
        let pods = pods_of(self.app.reader(), &[run.id]).await?;
        let nodes: Vec<String> = pods.into_iter().map(|pod| pod.node_name).collect();
        let rendezvous = self.app.runtime.rendezvous(&key, &nodes).await?;
        let mut tx = self.app.begin().await?;
        let run = set_rendezvous(&mut tx, run, &rendezvous).await?;
        tx.commit().await?;
        Ok(run)
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
            Event::Task(_)
            | Event::Wait(_)
            | Event::Log(..)
            | Event::Nodes
            | Event::Quotas
            | Event::Access(_) => false,
        }
    }

    async fn tick(&mut self) -> Result<Tick> {
        let runs = run::Entity::find()
            .filter(run::Column::State.eq(run::State::Starting))
            .order_by_asc(run::Column::Id)
            .all(self.app.reader())
            .await?;
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        let mut ranks: BTreeMap<RunId, Vec<pod::Model>> = BTreeMap::new();
        for pod in pods_of(self.app.reader(), &ids).await? {
            if pod.state == pod::State::Created {
                ranks.entry(pod.run_id).or_default().push(pod);
            }
        }
        let mut failures = Failures::default();
        for run in &runs {
            // One whose ranks are all started only waits for them: it costs nothing.
            let Some(ranks) = ranks.get(&run.id) else {
                continue;
            };
            if let Err(error) = self.launch(run, ranks).await {
                failures.note(run.id, error);
            }
        }
        failures.or(Tick::default())
    }
}
