//! What is stored: one file per table, typed ids, no behaviour.
//!
//! In reading order: who may do what ([`user`], [`user_group`], [`access_token`], [`quota`], [`resource_quota`],
//! [`quota_change`]), with what
//! ([`environment`], [`host`], [`node`], [`occupancy`], [`reservation`]), and what they do ([`task`], [`task_tag`], [`run`], [`pod`],
//! [`exclusion`], [`submission`]).

pub mod access_token;
pub mod audit;
pub mod audit_seal;
pub mod environment;
pub mod exclusion;
pub mod host;
pub mod id;
pub mod node;
pub mod occupancy;
pub mod pod;
pub mod quota;
pub mod quota_change;
pub mod reservation;
pub mod resource_quota;
pub mod run;
pub mod submission;
pub mod task;
pub mod task_change;
pub mod task_tag;
pub mod user;
pub mod user_group;

pub use id::{
    AccessTokenId, AuditId, AuditSealId, PodId, QuotaChangeId, QuotaId, ResourceQuotaId, RunId,
    TaskId, UserId,
};
