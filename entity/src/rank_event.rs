//! What went wrong with a rank, as the place where it runs told it.

use sea_orm::entity::prelude::*;

use crate::{RankEventId, RunId};

/// One event, however often it came again.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rank_event")]
pub struct Model {
    /// Number of the row.
    #[sea_orm(primary_key)]
    pub id: RankEventId,
    /// The run.
    pub run_id: RunId,
    /// Index of the rank within the run, from 0.
    pub rank: i32,
    /// What tells it from other events of the run; once in a run (checked by the database).
    pub uid: String,
    /// In a word, as the place has it: `FailedScheduling`, `BackOff`.
    pub reason: String,
    /// In a sentence.
    pub message: String,
    /// Who saw it: `kubelet`, `default-scheduler`.
    pub source: String,
    /// How often.
    pub count: i32,
    /// When first.
    pub first_at: DateTimeUtc,
    /// When last.
    pub last_at: DateTimeUtc,
}

/// Relations are joined by hand where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
