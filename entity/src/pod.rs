//! One rank of a run on one node.

use sea_orm::entity::prelude::*;

use crate::{PodId, RunId};

/// One pod.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pod")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: PodId,
    /// The run. A rank of a run has one pod (checked by the database).
    pub run_id: RunId,
    /// Index within the run, from 0; rank 0 is the master.
    pub rank: i32,
    /// The node. At most one unreleased pod per node (checked by the database).
    pub node_name: String,
    /// Where the pod is in its life.
    pub state: State,
    /// When the user's command started.
    pub started_at: Option<DateTimeUtc>,
    /// When it ended.
    pub ended_at: Option<DateTimeUtc>,
    /// Exit code; 128 + n if signal n killed it; absent if no command ran.
    pub exit_code: Option<i32>,
    /// One sentence on the end, where the code does not say it all.
    pub message: Option<String>,
    /// How far it came with giving way, when it was asked to.
    pub suspend: Option<Suspend>,
    /// Whether it was ended because it printed nothing for too long.
    pub silent: bool,
    /// Logical length of the log in bytes when it ended.
    pub log_end: Option<i64>,
    /// Since when neither a process nor a record of it was found.
    pub missing_since: Option<DateTimeUtc>,
    /// When its node was given back.
    pub released_at: Option<DateTimeUtc>,
    /// Grows with every change.
    pub version: i64,
}

/// Where a pod is in its life. The last four are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Planned; its agent may be starting.
    Created,
    /// Its agent waits at the gate.
    Registered,
    /// The user's command was started.
    Running,
    /// Exited with 0.
    Succeeded,
    /// Exited otherwise, was silent, or could not be started.
    Failed,
    /// Ended on an order.
    Stopped,
    /// Gone without a record.
    Lost,
}

/// How far a rank came with giving way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Suspend {
    /// The user's code has seen the request.
    Received,
    /// The user's code has said that it may be ended now.
    Ready,
    /// It was ended without having said so.
    Forced,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
