//! Watches open runs: takes in what became of their ranks, decides, and ends what is over.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::run::DrainReason;
use entity::{RunId, TaskId, pod, run, task};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::driver::Failures;
use super::giving_way::GivingWay;
use super::{LOOK_AGAIN, Tick, Worker};
use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::run::{
    Decision, Finding, Limits, Next, OPEN, Phase, RunEvent, advance, deadline, decide, drain, end,
    find, hasten, is_over, message, next, note, ordered, outcome, phase, pods_of, rank_key,
    requeue, set_message, stop_rest,
};
use crate::runtime::{Killed, Observation, RankKey};
use crate::store::Tx;
use crate::task::{TaskEvent, TaskSpec, finish, note_start, queue_again};

/// Supervises.
#[derive(Debug)]
pub struct Supervisor {
    app: App,
    giving_way: GivingWay,
}

/// One open run with everything that is known of it.
struct Open {
    task: task::Model,
    run: run::Model,
    pods: Vec<pod::Model>,
    /// What the runtime sees of each pod, in the same order.
    seen: Vec<Observation>,
}

impl Open {
    /// The ranks of which processes are left.
    fn left(&self) -> impl Iterator<Item = &pod::Model> {
        let ranks = self.pods.iter().zip(&self.seen);
        ranks.filter_map(|(pod, seen)| has_processes(seen).then_some(pod))
    }
}

impl Supervisor {
    /// A supervisor.
    pub fn new(app: App) -> Self {
        Self {
            app,
            giving_way: GivingWay::default(),
        }
    }

    /// One step of one run.
    async fn supervise(&self, open: &mut Open) -> Result<Tick> {
        let now = self.app.now();
        let mut tick = Tick::default();
        // An orphan that resists must not keep the rest of its run from ending.
        let orphans = open.pods.iter().zip(&open.seen);
        let orphans = orphans.filter(|(pod, seen)| is_orphan(pod, seen));
        let killed = self.kill(&open.run, orphans.map(|(pod, _)| pod)).await;
        match killed {
            // What is seen has changed: the next step decides on what it is then.
            Ok(Some(Killed::Gone)) => {
                tick.progress = true;
                return Ok(tick);
            }
            Ok(Some(Killed::Going)) => tick.also_at(Some(now + LOOK_AGAIN)),
            Ok(None) | Err(_) => {}
        }
        if self.take_in(open, now).await? {
            open.pods = pods_of(self.app.reader(), &[open.run.id]).await?;
        }
        let limits = self.limits(&open.task);
        let decision = decide(&open.task, &open.run, &open.pods, &limits, now)
            .map_err(|error| Error::Internal(error.into()))?;
        match decision {
            Decision::Open => {
                let mut tx = self.app.begin().await?;
                advance(&mut tx, &open.run).await?;
                note_start(&mut tx, &open.task).await?;
                tx.commit().await?;
                let metrics = &self.app.metrics.runs;
                metrics.running(now - open.run.created_at);
                tick.progress = true;
            }
            Decision::Drain(reason) => {
                let mut tx = self.app.begin().await?;
                open.run = drain(&mut tx, &open.run, reason, &self.app.settings.graces).await?;
                if let Some(message) = ordered(&open.task, &open.pods, reason) {
                    set_message(&tx, &open.run, message).await?;
                    open.run.message = Some(message.to_owned());
                }
                // Most runs end by themselves: then there is nothing to wait for.
                if open.pods.iter().all(|pod| is_over(pod.state)) && open.left().next().is_none() {
                    self.close(&mut tx, open, reason, now).await?;
                }
                tx.commit().await?;
                tracing::info!(task.id = open.task.id.0, ?reason, "a run drains");
                tick.progress = true;
            }
            Decision::Hasten => {
                let mut tx = self.app.begin().await?;
                hasten(&mut tx, &open.run, &self.app.settings.graces).await?;
                tx.commit().await?;
                tick.progress = true;
            }
            Decision::Stay => {
                let carried = self.carry_on(open, now).await?;
                tick.progress = carried.progress;
                tick.also_at(carried.wake_at);
                tick.also_at(deadline(&open.run, &limits).filter(|at| *at > now));
                let lost = open.pods.iter().filter_map(|pod| pod.missing_since).min();
                tick.also_at(lost.map(|since| since + self.app.settings.reattach));
            }
        }
        killed?;
        Ok(tick)
    }

    /// Everything that is known of some runs: rows and processes are looked up for all of them at once. One
    /// for which that fails keeps no other from it.
    async fn look(&self, runs: Vec<run::Model>) -> Result<Vec<(RunId, Result<Open>)>> {
        let db = self.app.reader();
        let ids: Vec<TaskId> = runs.iter().map(|run| run.task_id).collect();
        let tasks = crate::task::load(db, &ids).await?;
        let mut tasks: BTreeMap<_, _> = tasks.into_iter().map(|task| (task.id, task)).collect();
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        let mut pods: BTreeMap<RunId, Vec<pod::Model>> = BTreeMap::new();
        for pod in pods_of(db, &ids).await? {
            pods.entry(pod.run_id).or_default().push(pod);
        }
        let mut of_run = |run: &run::Model| pods.remove(&run.id).unwrap_or_default();
        let runs: Vec<_> = runs.into_iter().map(|run| (of_run(&run), run)).collect();
        let keys: Vec<Result<Vec<RankKey>>> = runs
            .iter()
            .map(|(pods, run)| pods.iter().map(|pod| rank_key(run, pod)).collect())
            .collect();
        let wanted: Vec<RankKey> = keys.iter().flatten().flatten().copied().collect();
        let mut seen = self.app.runtime.observe_all(&wanted).await.into_iter();
        let opened = runs.into_iter().zip(keys).map(|((pods, run), keys)| {
            let seen = keys.and_then(|keys| {
                let seen = seen.by_ref().take(keys.len());
                Ok(seen.collect::<std::result::Result<Vec<_>, _>>()?)
            });
            let task = tasks.remove(&run.task_id);
            let task = task.ok_or_else(|| Error::not_found("task", run.task_id));
            let id = run.id;
            let open = seen.and_then(|seen| {
                Ok(Open {
                    task: task?,
                    run,
                    pods,
                    seen,
                })
            });
            (id, open)
        });
        Ok(opened.collect())
    }

    /// Kills ranks, and says how far that has come for all of them, if there are any.
    async fn kill(
        &self,
        run: &run::Model,
        pods: impl Iterator<Item = &pod::Model>,
    ) -> Result<Option<Killed>> {
        let mut all = None;
        for pod in pods {
            let killed = self.app.runtime.kill(&rank_key(run, pod)?).await?;
            all = match all {
                Some(Killed::Going) => all,
                Some(Killed::Gone) | None => Some(killed),
            };
        }
        Ok(all)
    }

    /// Writes what the runtime sees, and says whether a row was changed.
    async fn take_in(&self, open: &Open, now: DateTime<Utc>) -> Result<bool> {
        let reattach = self.app.settings.reattach;
        let findings: Vec<(&pod::Model, Finding)> = open
            .pods
            .iter()
            .zip(&open.seen)
            .filter_map(|(pod, seen)| Some((pod, find(pod, seen, now, reattach)?)))
            .collect();
        if findings.is_empty() {
            return Ok(false);
        }
        let mut tx = self.app.begin().await?;
        for (pod, finding) in findings {
            note(&tx, pod, &finding).await?;
            tx.wake(Event::Log(open.run.task_id, pod.rank));
        }
        tx.wake(Event::Run(open.run.task_id, open.run.id));
        tx.commit().await?;
        Ok(true)
    }

    /// Ends a draining run of which nothing is left; kills what is left when its time is over.
    async fn carry_on(&self, open: &Open, now: DateTime<Utc>) -> Result<Tick> {
        let mut tick = Tick::default();
        let Phase::Draining(reason) = phase(&open.run) else {
            return Ok(tick);
        };
        if open.left().next().is_some() {
            if open.run.kill_at.is_none_or(|at| at <= now) {
                let killed = self.kill(&open.run, open.left()).await?;
                tick.progress = killed == Some(Killed::Gone);
                tick.also_at(Some(now + LOOK_AGAIN));
            }
            return Ok(tick);
        }
        let mut tx = self.app.begin().await?;
        self.close(&mut tx, open, reason, now).await?;
        tx.commit().await?;
        tick.progress = true;
        Ok(tick)
    }

    /// Ends a draining run of which nothing is left, and with it the task, unless that runs again.
    async fn close(
        &self,
        tx: &mut Tx,
        open: &Open,
        reason: DrainReason,
        now: DateTime<Utc>,
    ) -> Result<()> {
        next(phase(&open.run), RunEvent::Drained).map_err(|error| Error::Internal(error.into()))?;
        let mut last = outcome(open.task.stop_as, reason, &open.pods);
        last.message = message(&open.task, &open.run, &open.pods, &last);
        let max_restarts = spec_of(&open.task).map_or(0, |spec| spec.max_restarts());
        let next_step = requeue(
            &open.task,
            &open.run,
            &open.pods,
            last.outcome,
            max_restarts,
            now,
        );
        let event = match next_step {
            Next::Over => TaskEvent::Over(last.outcome),
            Next::Again(_) => TaskEvent::Again,
        };
        crate::task::next(open.task.state, event).map_err(|error| Error::Internal(error.into()))?;
        stop_rest(tx, &open.pods).await?;
        end(tx, &open.run, &last).await?;
        match &next_step {
            Next::Over => finish(tx, &open.task, &last).await?,
            Next::Again(again) => queue_again(tx, &open.task, &last, again).await?,
        }
        tracing::info!(task.id = open.task.id.0, outcome = ?last.outcome, "a run ends");
        Ok(())
    }

    fn limits(&self, task: &task::Model) -> Limits {
        Limits {
            start: self.app.settings.start_limit,
            served_since: self.app.served_since,
            run: spec_of(task)
                .and_then(|spec| spec.timeout())
                .and_then(|limit| TimeDelta::from_std(limit).ok()),
        }
    }
}

impl Worker for Supervisor {
    const NAME: &'static str = "supervisor";
    const REST: u32 = 1;

    fn wakes_on(event: Event) -> bool {
        match event {
            Event::Run(..) | Event::Task(_) | Event::Resync => true,
            Event::Wait(_) | Event::Log(..) | Event::Nodes | Event::Quotas | Event::Access(_) => {
                false
            }
        }
    }

    async fn tick(&mut self) -> Result<Tick> {
        let runs = run::Entity::find()
            .filter(run::Column::State.is_in(OPEN))
            .order_by_asc(run::Column::Id)
            .all(self.app.reader())
            .await?;
        for took in self.giving_way.look(&runs, self.app.now()) {
            self.app.metrics.runs.gave_way(took);
        }
        let mut all = Tick::default();
        let mut failures = Failures::default();
        for (id, open) in self.look(runs).await? {
            let step = match open {
                Ok(mut open) => self.supervise(&mut open).await,
                Err(error) => Err(error),
            };
            match step {
                Ok(tick) => {
                    all.progress |= tick.progress;
                    all.also_at(tick.wake_at);
                }
                Err(error) => failures.note(id, error),
            }
        }
        failures.or(all)
    }
}

/// What was submitted; a row that cannot be read has no options.
fn spec_of(task: &task::Model) -> Option<TaskSpec> {
    TaskSpec::from_json(&task.spec).ok()
}

/// What an agent has left behind when it died is nobody's: it goes at once. A rank that was never heard of is about to be
/// started, perhaps by a launcher that has taken over.
fn is_orphan(pod: &pod::Model, seen: &Observation) -> bool {
    *seen == Observation::Orphaned && pod.state != pod::State::Created
}

fn has_processes(seen: &Observation) -> bool {
    match seen {
        Observation::Alive | Observation::Stuck(_) | Observation::Orphaned => true,
        Observation::NotStarted
        | Observation::Exited(_)
        | Observation::Vanished
        | Observation::Fenced => false,
    }
}
