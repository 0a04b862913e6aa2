//! One attempt of a task on fixed nodes.

use sea_orm::entity::prelude::*;

use crate::{RunId, TaskId, task::Outcome};

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: RunId,
    /// The task. At most one run of a task is not ENDED (checked by the database).
    pub task_id: TaskId,
    /// Number within the task, from 1.
    pub number: i32,
    /// Where the run is in its life.
    pub state: State,
    /// With DRAINING and ENDED: why.
    pub drain_reason: Option<DrainReason>,
    /// With DRAINING: when agents are told to stop.
    pub stop_at: Option<DateTimeUtc>,
    /// With DRAINING: when the runtime kills what is left.
    pub kill_at: Option<DateTimeUtc>,
    /// Priority level it runs at and uses quota of.
    pub level: i32,
    /// Where rank 0 can be reached by the others.
    pub master_addr: Option<String>,
    /// Port of rank 0 that is meant for the training code.
    pub master_port: Option<i32>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The original's stop code; 0 while open.
    pub stop_code: i32,
    /// Exit code of the first rank that failed, 0 if all succeeded; absent if none ran.
    pub exit_code: Option<i32>,
    /// One sentence on the end, where the outcome does not say it all.
    pub message: Option<String>,
    /// When it was planned.
    pub created_at: DateTimeUtc,
    /// When the start gate opened.
    pub started_at: Option<DateTimeUtc>,
    /// When nothing of it was left.
    pub ended_at: Option<DateTimeUtc>,
    /// Grows with every change.
    pub version: i64,
}

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Nodes are taken, agents register.
    Starting,
    /// The gate is open.
    Running,
    /// It is ending for one reason.
    Draining,
    /// Nothing of it is left.
    Ended,
}

/// Why a run is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum DrainReason {
    /// Its owner stopped the task.
    Stop,
    /// It gives way to a more urgent task, or its owner put it on hold.
    Suspend,
    /// A rank could not be started.
    StartFailed,
    /// A rank failed.
    RankFailed,
    /// A node or an agent was lost.
    Lost,
    /// Silent or too long.
    Timeout,
    /// Every rank exited with 0.
    Done,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
