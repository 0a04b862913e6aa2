//! What is live, as the planner wants it: rows in, snapshot out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::task::{self, Desired, State};
use entity::{RunId, TaskId, UserId, exclusion, pod, reservation, run};
use scheduler::{
    Exclusion, GroupName, Holder, Level, NodeName, Priority, Readiness, Snapshot, TaskKey,
    TaskState, ZoneName,
};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};

use crate::app::App;
use crate::error::{Error, Result};
use crate::node;
use crate::quota::{load_rows, planner_users};
use crate::run::OPEN;

/// What the scheduler would plan with now.
pub(crate) async fn snapshot(app: &App) -> Result<Snapshot> {
    Ok(Live::load(app).await?.snapshot)
}

/// The rows behind a snapshot.
pub(super) struct Live {
    pub(super) snapshot: Snapshot,
    tasks: BTreeMap<TaskId, Row>,
    runs: BTreeMap<TaskId, run::Model>,
}

/// What of a task the planner looks at. The documents, which are long, stay where they are.
#[derive(Debug, FromQueryResult)]
pub(super) struct Row {
    id: TaskId,
    user_id: UserId,
    state: State,
    desired: Desired,
    priority: i32,
    custom_rank: Option<f64>,
    group_name: String,
    zone: Option<String>,
    node_count: i32,
    not_before: Option<DateTime<Utc>>,
    pub(super) run_count: i32,
    pub(super) created_at: DateTime<Utc>,
    pub(super) version: i64,
}

/// The columns of [`Row`].
const COLUMNS: [task::Column; 13] = [
    task::Column::Id,
    task::Column::UserId,
    task::Column::State,
    task::Column::Desired,
    task::Column::Priority,
    task::Column::CustomRank,
    task::Column::GroupName,
    task::Column::Zone,
    task::Column::NodeCount,
    task::Column::NotBefore,
    task::Column::RunCount,
    task::Column::CreatedAt,
    task::Column::Version,
];

impl Live {
    /// Reads everything that is not over.
    pub(super) async fn load(app: &App) -> Result<Self> {
        let db = app.reader();
        let tasks: Vec<Row> = task::Entity::find()
            .select_only()
            .columns(COLUMNS)
            .filter(task::Column::State.is_in([State::Queued, State::Running]))
            .order_by_asc(task::Column::Id)
            .into_model()
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
        let exclusions = exclusion::Entity::find()
            .filter(exclusion::Column::Until.gt(app.now()))
            .all(db)
            .await?;
        let owners: BTreeSet<UserId> = tasks.iter().map(|task| task.user_id).collect();
        let users = planner_users(db, &owners.into_iter().collect::<Vec<_>>()).await?;
        let nodes = nodes(app, &runs).await?;
        let runs: BTreeMap<TaskId, run::Model> =
            runs.into_iter().map(|run| (run.task_id, run)).collect();
        let mut planned = Vec::new();
        for task in &tasks {
            let Some(owner) = users.get(&task.user_id) else {
                tracing::warn!(task.id = task.id.0, "a task without an owner is left out");
                continue;
            };
            let run = runs.get(&task.id);
            planned.extend(planner_task(task, owner, run, &pods, &exclusions));
        }
        let snapshot = Snapshot {
            now: app.now().timestamp_millis(),
            nodes,
            tasks: planned,
            quotas: load_rows(db).await?,
            users: users.into_values().collect(),
        };
        Ok(Self {
            snapshot,
            tasks: tasks.into_iter().map(|task| (task.id, task)).collect(),
            runs,
        })
    }

    /// The row of a task of the plan.
    pub(super) fn task(&self, key: TaskKey) -> Result<&Row> {
        self.tasks
            .get(&TaskId(key.0))
            .ok_or_else(|| Error::internal("the plan names a task that is not in the snapshot"))
    }

    /// The open run of a task of the plan.
    pub(super) fn run(&self, key: TaskKey) -> Result<&run::Model> {
        self.runs
            .get(&TaskId(key.0))
            .ok_or_else(|| Error::internal("the plan suspends a task that has no run"))
    }

    /// The same, to be kept up with what is written.
    pub(super) fn run_mut(&mut self, key: TaskKey) -> Result<&mut run::Model> {
        self.runs
            .get_mut(&TaskId(key.0))
            .ok_or_else(|| Error::internal("the plan moves a task that has no run"))
    }
}

async fn nodes(app: &App, runs: &[run::Model]) -> Result<Vec<scheduler::Node>> {
    let db = app.reader();
    let holders: BTreeMap<RunId, TaskId> = runs.iter().map(|run| (run.id, run.task_id)).collect();
    let reserved: BTreeMap<String, TaskId> = reservation::Entity::find()
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.node_name, row.task_id))
        .collect();
    let nodes = node::list(db, &node::Filter::default(), None, None).await?;
    Ok(nodes
        .iter()
        .map(|node| scheduler::Node {
            name: NodeName(node.host.name.clone()),
            group: GroupName(node.host.group_name.clone()),
            zone: node.host.zone.clone().map(ZoneName),
            readiness: match node.status {
                _ if node.host.disabled_at.is_some() => Readiness::Disabled,
                node::Status::Ready => Readiness::Ready,
                node::Status::NotReady => Readiness::NotReady,
            },
            holder: match node.run_id {
                None => Holder::Free,
                Some(run) => holders
                    .get(&run)
                    .map_or(Holder::Other, |task| Holder::Task(TaskKey(task.0))),
            },
            reserved_for: reserved.get(&node.host.name).map(|task| TaskKey(task.0)),
        })
        .collect())
}

/// A malformed row costs only its own task: it is left out and told.
fn planner_task(
    task: &Row,
    owner: &scheduler::User,
    run: Option<&run::Model>,
    pods: &[pod::Model],
    exclusions: &[exclusion::Model],
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
            excluded: excluded(task, exclusions),
            held: task.desired != Desired::Run,
        },
        (State::Running, Some(run)) => active(run, pods),
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

fn active(run: &run::Model, pods: &[pod::Model]) -> TaskState {
    let pods: Vec<&pod::Model> = pods.iter().filter(|pod| pod.run_id == run.id).collect();
    let succeeded = pods.iter().any(|pod| pod.state == pod::State::Succeeded);
    TaskState::Active {
        // A level that is not known uses the quota of the lowest: its nodes are held in any case.
        level: Level::from_value(run.level).unwrap_or(Level::Low),
        nodes: pods
            .iter()
            .map(|pod| NodeName(pod.node_name.clone()))
            .collect(),
        draining: run.state == run::State::Draining,
        since: run.started_at.unwrap_or(run.created_at).timestamp_millis(),
        // Once a rank has succeeded, the others are about to: asking them to run again would lose the work of all.
        suspendable: run.state == run::State::Running && !succeeded,
    }
}

fn excluded(task: &Row, exclusions: &[exclusion::Model]) -> Vec<Exclusion> {
    exclusions
        .iter()
        .filter(|row| row.task_id == task.id)
        .map(|row| Exclusion {
            node: NodeName(row.node_name.clone()),
            until: row.until.timestamp_millis(),
        })
        .collect()
}
