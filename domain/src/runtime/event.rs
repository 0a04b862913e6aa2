//! What the place where ranks run tells of them besides how they are.

use chrono::{DateTime, Utc};

use super::RankKey;

/// Something that went wrong with a rank, which may have been put right since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankEvent {
    /// The rank.
    pub rank: RankKey,
    /// What tells it from other events of the run. The same one may come again, with a higher count.
    pub uid: String,
    /// In a word: `FailedScheduling`, `BackOff`.
    pub reason: String,
    /// In a sentence.
    pub message: String,
    /// Who saw it: `kubelet`, `default-scheduler`.
    pub source: String,
    /// How often.
    pub count: i32,
    /// When first.
    pub first_at: DateTime<Utc>,
    /// When last.
    pub last_at: DateTime<Utc>,
}
