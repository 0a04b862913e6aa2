//! What a user submitted; lives from the submit until it is finished.

use sea_orm::entity::prelude::*;

use crate::{TaskId, UserId};

/// One task.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    /// The number users see.
    #[sea_orm(primary_key)]
    pub id: TaskId,
    /// The owner.
    pub user_id: UserId,
    /// Unique among the owner's tasks that are not finished.
    pub name: String,
    /// Where the task is in its life.
    pub state: State,
    /// What its owner wants of it.
    pub desired: Desired,
    /// With [`Desired::Stop`]: as what it is to end.
    pub stop_as: Option<StopAs>,
    /// Submitted priority: a level, or −1 for AUTO.
    pub priority: i32,
    /// Place among the owner's own tasks; absent: its id.
    pub custom_rank: Option<f64>,
    /// Node group.
    pub group_name: String,
    /// Zone it is pinned to.
    pub zone: Option<String>,
    /// Number of nodes, and so of ranks.
    pub node_count: i32,
    /// The checked specification (`domain::task::TaskSpec`).
    #[sea_orm(column_type = "JsonBinary")]
    pub spec: Json,
    /// The document as it was submitted.
    #[sea_orm(column_type = "JsonBinary")]
    pub document: Json,
    /// Number of runs so far; the newest has this number.
    pub run_count: i32,
    /// Not planned before this time (backoff).
    pub not_before: Option<DateTimeUtc>,
    /// Runs in a row that the platform or a node has spoilt; long enough runs set it back to 0.
    pub spoilt_runs: i32,
    /// Runs that failed by themselves and were run again (`options.max_restarts`).
    pub failed_runs: i32,
    /// A number that the user's code carries from run to run.
    pub whole_life_state: i32,
    /// Why it waits, as the scheduler last said (`scheduler::Wait`).
    #[sea_orm(column_type = "JsonBinary")]
    pub wait: Option<Json>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The original's stop code of the newest end; 0 while it never ended.
    pub stop_code: i32,
    /// Exit code of the newest run.
    pub exit_code: Option<i32>,
    /// The team whose members may see it, if it is shared.
    pub shared_in: Option<String>,
    /// When it was submitted.
    pub created_at: DateTimeUtc,
    /// When its first run passed the start gate.
    pub started_at: Option<DateTimeUtc>,
    /// When it finished.
    pub finished_at: Option<DateTimeUtc>,
    /// Grows with every change of the columns above, except `wait`.
    pub version: i64,
}

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Waits for nodes.
    Queued,
    /// Has an open run.
    Running,
    /// Will not run again by itself.
    Finished,
}

/// What the owner wants of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Desired {
    /// That it runs.
    Run,
    /// That it waits until it is resumed.
    Hold,
    /// That it ends.
    Stop,
}

/// As what a task is to end when it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum StopAs {
    /// As stopped.
    Stopped,
    /// As if it had succeeded.
    Succeeded,
    /// As if it had failed.
    Failed,
}

/// How a run, and with its last run a task, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Outcome {
    /// Every rank exited with 0, or the owner said so.
    Succeeded,
    /// A rank exited otherwise, or the owner said so.
    Failed,
    /// The owner stopped it.
    Stopped,
    /// It gave way, or its owner put it on hold; only ever of a run, because the task goes on.
    Suspended,
    /// It printed nothing for too long, or ran longer than it was allowed to.
    Timeout,
    /// A node or an agent was lost.
    Lost,
    /// A rank could not be started.
    StartFailed,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
