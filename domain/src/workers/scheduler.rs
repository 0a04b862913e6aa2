//! Loads the snapshot, asks the planner, and commits its decisions in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use entity::task::{self, Desired, State};
use entity::{RunId, TaskId, UserId, pod, run};
use scheduler::{
    Decision, GroupName, Holder, Level, NodeName, Plan, Policy, Priority, Readiness, Report,
    Snapshot, TaskKey, TaskState, ZoneName, plan,
};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use super::{Tick, Worker};
use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::node;
use crate::quota::{load_rows, planner_users};
use crate::run::{NewRun, OPEN};
use crate::store::Tx;
use crate::task::{TaskEvent, next};

/// Plans.
#[derive(Debug)]
pub struct Scheduler {
    app: App,
    policy: Policy,
}

impl Scheduler {
    /// A scheduler with the policy that users of the original expect.
    pub fn new(app: App) -> Self {
        let policy = Policy {
            auto_levels: Level::ALL.to_vec(),
        };
        Self { app, policy }
    }
}

impl Worker for Scheduler {
    const NAME: &'static str = "scheduler";

    fn wakes_on(event: Event) -> bool {
        match event {
            Event::Task(_) | Event::Nodes | Event::Quotas | Event::Resync => true,
            Event::Run(..) | Event::Log(_) => false,
        }
    }

    async fn tick(&mut self) -> Result<Tick> {
        let live = Live::load(&self.app).await?;
        let plan = plan(&live.snapshot, &self.policy);
        for issue in &plan.report.issues {
            tracing::warn!(%issue, "a row was left out of the plan");
        }
        let progress = !plan.decisions.is_empty();
        let waits = live.changed_waits(&plan.report)?;
        if progress || !waits.is_empty() {
            let mut tx = self.app.begin().await?;
            commit(&mut tx, &live, &plan).await?;
            for (id, wait) in waits {
                write_wait(&mut tx, id, wait).await?;
            }
            tx.commit().await?;
        }
        Ok(Tick {
            progress,
            wake_at: plan.wake_at.and_then(DateTime::from_timestamp_millis),
        })
    }
}

/// The rows behind a snapshot.
struct Live {
    snapshot: Snapshot,
    tasks: BTreeMap<TaskId, task::Model>,
}

impl Live {
    async fn load(app: &App) -> Result<Self> {
        let db = app.reader();
        let tasks = task::Entity::find()
            .filter(task::Column::State.is_in([State::Queued, State::Running]))
            .order_by_asc(task::Column::Id)
            .all(db)
            .await?;
        let runs = run::Entity::find()
            .filter(run::Column::State.is_in(OPEN))
            .all(db)
            .await?;
        let pods = pod::Entity::find()
            .filter(pod::Column::RunId.is_in(runs.iter().map(|run| run.id)))
            .filter(pod::Column::ReleasedAt.is_null())
            .order_by_asc(pod::Column::Rank)
            .all(db)
            .await?;
        let owners: BTreeSet<UserId> = tasks.iter().map(|task| task.user_id).collect();
        let users = planner_users(db, &owners.into_iter().collect::<Vec<_>>()).await?;
        let holders: BTreeMap<RunId, TaskId> =
            runs.iter().map(|run| (run.id, run.task_id)).collect();
        let nodes = node::list(db, &node::Filter::default(), None, None).await?;
        let mut planned = Vec::new();
        for task in &tasks {
            let Some(owner) = users.get(&task.user_id) else {
                tracing::warn!(task.id = task.id.0, "a task without an owner is left out");
                continue;
            };
            let run = runs.iter().find(|run| run.task_id == task.id);
            if let Some(row) = planner_task(task, owner, run, &pods) {
                planned.push(row);
            }
        }
        let snapshot = Snapshot {
            now: app.now().timestamp_millis(),
            nodes: nodes
                .iter()
                .map(|node| planner_node(node, &holders))
                .collect(),
            tasks: planned,
            quotas: load_rows(db).await?,
            users: users.into_values().collect(),
        };
        let tasks = tasks.into_iter().map(|task| (task.id, task)).collect();
        Ok(Self { snapshot, tasks })
    }

    /// The reasons that are not yet written as they are.
    fn changed_waits(&self, report: &Report) -> Result<Vec<(TaskId, Value)>> {
        let mut changed = Vec::new();
        for wait in &report.waiting {
            let said = serde_json::to_value(wait).map_err(|error| Error::Internal(error.into()))?;
            let task = self.tasks.get(&TaskId(wait.task.0));
            if task.is_some_and(|task| task.wait.as_ref() != Some(&said)) {
                changed.push((TaskId(wait.task.0), said));
            }
        }
        Ok(changed)
    }
}

fn planner_node(node: &node::NodeView, holders: &BTreeMap<RunId, TaskId>) -> scheduler::Node {
    scheduler::Node {
        name: NodeName(node.host.name.clone()),
        group: GroupName(node.host.group_name.clone()),
        zone: node.host.zone.clone().map(ZoneName),
        readiness: match node.status {
            node::Status::Ready => Readiness::Ready,
            node::Status::NotReady => Readiness::NotReady,
        },
        holder: match node.run_id {
            None => Holder::Free,
            Some(run) => holders
                .get(&run)
                .map_or(Holder::Other, |task| Holder::Task(TaskKey(task.0))),
        },
    }
}

/// A malformed row costs only its own task: it is left out and told.
fn planner_task(
    task: &task::Model,
    owner: &scheduler::User,
    run: Option<&run::Model>,
    pods: &[pod::Model],
) -> Option<scheduler::Task> {
    let Some(priority) = Priority::from_value(task.priority) else {
        tracing::warn!(
            task.id = task.id.0,
            "a task with an unknown priority is left out"
        );
        return None;
    };
    let state = match (task.state, run) {
        (State::Queued, _) => TaskState::Waiting {
            not_before: task.not_before.map(|time| time.timestamp_millis()),
            excluded: Vec::new(),
            held: task.desired != Desired::Run,
        },
        (State::Running, Some(run)) => TaskState::Active {
            // A level that is not known uses the quota of the lowest: its nodes are held in any case.
            level: Level::from_value(run.level).unwrap_or(Level::Low),
            nodes: pods
                .iter()
                .filter(|pod| pod.run_id == run.id)
                .map(|pod| NodeName(pod.node_name.clone()))
                .collect(),
            draining: run.state == run::State::Draining,
        },
        (State::Running, None) | (State::Finished, _) => return None,
    };
    Some(scheduler::Task {
        key: TaskKey(task.id.0),
        user: owner.name.clone(),
        group: GroupName(task.group_name.clone()),
        zone: task.zone.clone().map(ZoneName),
        priority,
        custom_rank: task.custom_rank,
        nodes: u32::try_from(task.node_count).unwrap_or(0),
        state,
    })
}

/// Makes the decisions true. One that does not fit any more fails the whole plan: the next tick makes a new one.
async fn commit(tx: &mut Tx, live: &Live, plan: &Plan) -> Result<()> {
    for decision in &plan.decisions {
        let Decision::Start { task, level, nodes } = decision;
        let task = live
            .tasks
            .get(&TaskId(task.0))
            .ok_or_else(|| Error::internal("the plan starts a task that is not in the snapshot"))?;
        next(task.state, TaskEvent::Start).map_err(|error| Error::Internal(error.into()))?;
        crate::task::start(tx, task).await?;
        let nodes: Vec<String> = nodes.iter().map(|node| node.0.clone()).collect();
        crate::run::insert(
            tx,
            NewRun {
                task_id: task.id,
                number: task.run_count + 1,
                level: level.value(),
                nodes: &nodes,
            },
        )
        .await?;
        tracing::info!(task.id = task.id.0, ?nodes, "a run begins");
    }
    Ok(())
}

/// Not a change of the task itself, so its version stays; a task that was started meanwhile keeps no reason.
async fn write_wait(tx: &mut Tx, id: TaskId, wait: Value) -> Result<()> {
    task::Entity::update_many()
        .col_expr(task::Column::Wait, Expr::value(Some(wait)))
        .filter(task::Column::Id.eq(id))
        .filter(task::Column::State.eq(State::Queued))
        .exec(tx.db())
        .await?;
    tx.wake(Event::Task(id));
    Ok(())
}
