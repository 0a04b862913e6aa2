//! Typed ids: a run's number cannot be passed where a task's is wanted.

use std::fmt;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// Row of [`crate::user`].
    UserId,
    /// Row of [`crate::access_token`].
    AccessTokenId,
    /// Row of [`crate::session`].
    SessionId,
    /// Row of [`crate::session_code`].
    SessionCodeId,
    /// Row of [`crate::quota`].
    QuotaId,
    /// Row of [`crate::resource_quota`].
    ResourceQuotaId,
    /// Row of [`crate::quota_change`].
    QuotaChangeId,
    /// Row of [`crate::task`]: the number users see.
    TaskId,
    /// Row of [`crate::run`].
    RunId,
    /// Row of [`crate::pod`].
    PodId,
    /// Row of [`crate::rank_event`].
    RankEventId,
    /// Row of [`crate::mount_rule`].
    MountRuleId,
    /// Row of [`crate::node_state`].
    NodeStateId,
    /// Row of [`crate::audit`].
    AuditId,
    /// Row of [`crate::audit_seal`].
    AuditSealId,
}
