//! What is stored: one file per table, typed ids, no behaviour.
//!
//! In reading order: who may do what ([`user`], [`user_group`], [`shared_group_group`], [`access_token`], [`session_code`],
//! [`session`], [`quota`], [`resource_quota`], [`quota_change`]), with what ([`environment`], [`environment_grant`],
//! [`mount_rule`], [`host`], [`node`], [`node_state`], [`platform_key`], [`occupancy`], [`reservation`]), and what they do
//! ([`task`], [`task_change`], [`task_tag`], [`run`], [`pod`], [`rank_event`], [`exclusion`],
//! [`submission`], [`audit`], [`audit_seal`]), and which process drives it all ([`lease`]). What servers count
//! together is in [`shared_count`].

pub mod access_token;
pub mod audit;
pub mod audit_seal;
pub mod environment;
pub mod environment_grant;
pub mod exclusion;
pub mod host;
pub mod id;
pub mod lease;
pub mod mount_rule;
pub mod node;
pub mod node_state;
pub mod occupancy;
pub mod platform_key;
pub mod pod;
pub mod quota;
pub mod quota_change;
pub mod rank_event;
pub mod reservation;
pub mod resource_quota;
pub mod run;
pub mod session;
pub mod session_code;
pub mod shared_count;
pub mod shared_group_group;
pub mod submission;
pub mod task;
pub mod task_change;
pub mod task_tag;
pub mod user;
pub mod user_group;
pub mod words;

pub use id::{
    AccessTokenId, AuditId, AuditSealId, MountRuleId, NodeStateId, PodId, QuotaChangeId, QuotaId,
    RankEventId, ResourceQuotaId, RunId, SessionCodeId, SessionId, TaskId, UserId,
};
pub use words::Words;
