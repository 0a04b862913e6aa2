//! A rule as administrators see it, and what a change of rules came to.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};
use domain::mount::{self, Outcome, Source};

use super::words::{MountAction, MountType, MountWarningKind};

/// A rule that gives users a mount, or takes one from them.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountRule {
    /// Id of the rule.
    id: ID,
    /// Whether it gives or takes.
    action: MountAction,
    /// What is mounted: a template.
    host_path: String,
    /// Where tasks see it: a template.
    mount_path: String,
    /// Names of users and of user groups: one, or at most those that were imported.
    owners: Vec<String>,
    /// All of them must hold; at most 20.
    conditions: Vec<String>,
    /// What kind of thing is mounted.
    mount_type: MountType,
    /// Whether tasks may only read it.
    read_only: bool,
    /// Whether it counts.
    active: bool,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<mount::MountRule> for MountRule {
    fn from(row: mount::MountRule) -> Self {
        Self {
            id: ID(row.id.to_string()),
            action: row.action.into(),
            host_path: row.host_path,
            mount_path: row.mount_path,
            owners: row.owners.0,
            conditions: row.conditions.0,
            mount_type: row.mount_type.into(),
            read_only: row.read_only,
            active: row.active,
            created_at: row.created_at,
        }
    }
}

/// Why a change of the rules is probably not meant.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountWarning {
    /// What is wrong.
    kind: MountWarningKind,
    /// The rules that it has to do with, at most one entry for each; the configuration has no id.
    rules: Vec<ID>,
    /// Users that it concerns: at most the first five.
    users: Vec<String>,
}

impl From<mount::Warning> for MountWarning {
    fn from(warning: mount::Warning) -> Self {
        Self {
            kind: warning.kind.into(),
            rules: ids(&warning.sources),
            users: warning.users,
        }
    }
}

/// What a change of the rules would come to.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountAdvice {
    /// The rule that the change would undo instead of making one.
    undoes: Option<ID>,
    /// Why it is probably not meant: at most one entry for each rule.
    warnings: Vec<MountWarning>,
}

impl From<mount::Advice> for MountAdvice {
    fn from(advice: mount::Advice) -> Self {
        Self {
            undoes: advice.undoes.and_then(id),
            warnings: advice.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a change of the rules has come to.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountRuleChange {
    /// Whether anything was changed.
    changed: bool,
    /// The rule that was made, or that was undone for this owner; null if nothing was changed.
    rule: Option<MountRule>,
    /// Whether a rule that said the opposite was undone, instead of making one.
    undone: bool,
    /// Why nothing was changed: at most one entry for each rule. Ask again with `force` if it is meant.
    warnings: Vec<MountWarning>,
}

impl From<Outcome> for MountRuleChange {
    fn from(outcome: Outcome) -> Self {
        let (rule, undone, warnings) = match outcome {
            Outcome::Made(rule) => (Some(rule.into()), false, Vec::new()),
            Outcome::Undone(rule) => (Some(rule.into()), true, Vec::new()),
            Outcome::Warned(warnings) => (None, false, warnings),
        };
        Self {
            changed: rule.is_some(),
            rule,
            undone,
            warnings: warnings.into_iter().map(Into::into).collect(),
        }
    }
}

/// The id of a rule; the configuration has none.
pub(super) fn id(source: Source) -> Option<ID> {
    match source {
        Source::Configured => None,
        Source::Rule(id) => Some(ID(id.to_string())),
    }
}

/// The ids of those that are rules.
pub(super) fn ids(sources: &[Source]) -> Vec<ID> {
    sources.iter().copied().filter_map(id).collect()
}
