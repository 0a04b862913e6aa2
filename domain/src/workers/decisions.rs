//! Makes the decisions of a plan true, those that still fit.
//!
//! Between the snapshot and the transaction people go on: they stop, hold and resume what was planned. A decision about
//! something that was changed is left to the next plan, and the others are made: none needs another one to fit. If one
//! change failed the whole plan, a cluster whose users are busy enough would start nothing any more.

use std::collections::{BTreeMap, BTreeSet};

use entity::run::{self, DrainReason};
use entity::task;
use entity::{RunId, TaskId, reservation};
use scheduler::{Decision, Level, NodeName, TaskKey};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::live::Live;
use crate::app::App;
use crate::error::{Error, Result};
use crate::run::{NewRun, RunEvent};
use crate::store::Tx;
use crate::task::{Task, TaskEvent, next};

/// Rows of one statement.
const CHUNK: usize = 1000;

/// Makes the decisions that fit, and answers which those are.
pub(super) async fn make<'a>(
    tx: &mut Tx,
    app: &App,
    live: &mut Live,
    decisions: &'a [Decision],
) -> Result<Vec<&'a Decision>> {
    let held = Held::of(tx, live, decisions).await?;
    let mut fitting = Vec::with_capacity(decisions.len());
    for decision in decisions {
        if held.fits(live, decision)? {
            fitting.push(decision);
        }
    }
    for decision in &fitting {
        match decision {
            Decision::Start { task, level, nodes } => {
                release(tx, *task).await?;
                start(tx, held.task(*task)?, *level, nodes).await?;
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
    Ok(fitting)
}

/// Tells of what has been committed.
pub(super) fn log(made: &[&Decision]) {
    for decision in made {
        match decision {
            Decision::Start { task, nodes, .. } => {
                let nodes: Vec<&str> = nodes.iter().map(|node| node.0.as_str()).collect();
                tracing::info!(task.id = task.0, ?nodes, "a run begins");
            }
            Decision::Preempt { task, victims, .. } => {
                for victim in victims {
                    tracing::info!(task.id = victim.0, for_task.id = task.0, "a run gives way");
                }
            }
            Decision::Relevel { .. } | Decision::Release { .. } => {}
        }
    }
}

/// What decisions are about, as it is now. It stays so until the transaction ends.
struct Held {
    tasks: BTreeMap<TaskId, Task>,
    /// The version of each run.
    runs: BTreeMap<RunId, i64>,
}

impl Held {
    /// Locks first the tasks, then the runs, each in the order of their ids. Who locks a run and then its task never waits
    /// for these: the tasks are those that have no open run.
    async fn of(tx: &Tx, live: &Live, decisions: &[Decision]) -> Result<Self> {
        let (mut tasks, mut runs) = (BTreeSet::new(), BTreeSet::new());
        for decision in decisions {
            match decision {
                Decision::Start { task, .. } => {
                    tasks.insert(TaskId(task.0));
                }
                Decision::Relevel { task, .. } => {
                    runs.insert(live.run(*task)?.id);
                }
                Decision::Preempt { task, victims, .. } => {
                    tasks.insert(TaskId(task.0));
                    for victim in victims {
                        runs.insert(live.run(*victim)?.id);
                    }
                }
                Decision::Release { .. } => {}
            }
        }
        let mut held = Self {
            tasks: BTreeMap::new(),
            runs: BTreeMap::new(),
        };
        let (tasks, runs) = (Vec::from_iter(tasks), Vec::from_iter(runs));
        for ids in tasks.chunks(CHUNK) {
            let rows = task::Entity::find()
                .filter(task::Column::Id.is_in(ids.iter().copied()))
                .order_by_asc(task::Column::Id)
                .lock_exclusive();
            let rows = rows.all(tx.db()).await?;
            held.tasks.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        for ids in runs.chunks(CHUNK) {
            let rows = run::Entity::find()
                .select_only()
                .columns([run::Column::Id, run::Column::Version])
                .filter(run::Column::Id.is_in(ids.iter().copied()))
                .order_by_asc(run::Column::Id)
                .lock_exclusive();
            let rows: Vec<(RunId, i64)> = rows.into_tuple().all(tx.db()).await?;
            held.runs.extend(rows);
        }
        Ok(held)
    }

    fn task(&self, key: TaskKey) -> Result<&Task> {
        let task = self.tasks.get(&TaskId(key.0));
        task.ok_or_else(|| Error::internal("a decision is about a task that is not held"))
    }

    /// Whether everything that it is about is as it was when it was planned.
    fn fits(&self, live: &Live, decision: &Decision) -> Result<bool> {
        let is_same_task = |key: &TaskKey| -> Result<bool> {
            let now = self.tasks.get(&TaskId(key.0)).map(|task| task.version);
            Ok(now == Some(live.task(*key)?.version))
        };
        let is_same_run = |key: &TaskKey| -> Result<bool> {
            let planned = live.run(*key)?;
            Ok(self.runs.get(&planned.id) == Some(&planned.version))
        };
        match decision {
            Decision::Start { task, .. } => is_same_task(task),
            Decision::Relevel { task, .. } => is_same_run(task),
            Decision::Preempt { task, victims, .. } => {
                let mut fits = is_same_task(task)?;
                for victim in victims {
                    fits &= is_same_run(victim)?;
                }
                Ok(fits)
            }
            Decision::Release { .. } => Ok(true),
        }
    }
}

async fn start(tx: &mut Tx, task: &Task, level: Level, nodes: &[NodeName]) -> Result<()> {
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
    Ok(())
}
