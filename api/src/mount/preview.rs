//! What a user or a task mounts, and why.

use async_graphql::{ID, SimpleObject};
use domain::mount::{self, Conflict, Effect, ResolvedMount, Verdict};
use domain::runtime::Visibility;

use super::object::{id, ids};
use super::words::{MountConflictKind, MountEffect, MountRank, MountType, MountVisibility};

/// What a user or a task mounts, and why.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountPreview {
    /// The mounts by path: at most one entry for each mount path.
    mounts: Vec<MountPoint>,
    /// What became of every rule that is meant for the user, in the order in which they were applied: at most one entry for
    /// each.
    rules: Vec<MountVerdict>,
    /// What administrators probably did not mean: at most one entry for each two rules.
    conflicts: Vec<MountConflict>,
}

/// A mount, and which rule gives it.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountPoint {
    /// What is mounted; null for guests, who need not know.
    host_path: Option<String>,
    /// Where tasks see it.
    mount_path: String,
    /// What kind of thing it is.
    mount_type: MountType,
    /// Whether tasks may only read it.
    read_only: bool,
    /// The rule that gives it; null for the platform's configuration.
    rule: Option<ID>,
    /// How strong that rule is.
    rank: MountRank,
    /// The weaker rules that gave the same mount path: at most one entry for each; the configuration has no id.
    overrode: Vec<ID>,
    /// What the runtime makes of it.
    visibility: MountVisibility,
}

/// What became of a rule.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountVerdict {
    /// The rule; null for the platform's configuration.
    rule: Option<ID>,
    /// How strong it is.
    rank: MountRank,
    /// Its mount path, with names filled in if it holds.
    mount_path: String,
    /// What it came to.
    effect: MountEffect,
    /// The rules that it has to do with: at most one entry for each; the configuration has no id.
    others: Vec<ID>,
    /// The condition that does not hold, or why the rule makes no sense; null for guests, who need not know.
    reason: Option<String>,
}

/// What administrators probably did not mean.
#[derive(Debug, SimpleObject)]
pub(crate) struct MountConflict {
    /// What is wrong.
    kind: MountConflictKind,
    /// The mount path.
    mount_path: String,
    /// The rules: at most one entry for each.
    rules: Vec<ID>,
}

impl MountPreview {
    /// What somebody may see of it: only people of the house see what is behind the mounts.
    pub(super) fn shown(preview: mount::Preview, is_internal: bool) -> Self {
        let mount::Preview {
            resolution,
            visibility,
        } = preview;
        let points = resolution.mounts.into_iter().zip(visibility);
        let verdicts = resolution.verdicts.into_iter();
        Self {
            mounts: points
                .map(|(mount, seen)| point(mount, seen, is_internal))
                .collect(),
            rules: verdicts.map(|it| verdict(it, is_internal)).collect(),
            conflicts: resolution.conflicts.into_iter().map(conflict).collect(),
        }
    }
}

fn point(mount: ResolvedMount, seen: Visibility, is_internal: bool) -> MountPoint {
    MountPoint {
        host_path: is_internal.then_some(mount.host_path),
        mount_path: mount.mount_path,
        mount_type: mount.kind.into(),
        read_only: mount.read_only,
        rule: id(mount.source),
        rank: mount.rank.into(),
        overrode: ids(&mount.overrode),
        visibility: seen.into(),
    }
}

fn verdict(verdict: Verdict, is_internal: bool) -> MountVerdict {
    let (effect, others, reason) = match verdict.effect {
        Effect::Gives => (MountEffect::Gives, Vec::new(), None),
        Effect::Overridden(by) => (MountEffect::Overridden, ids(&[by]), None),
        Effect::Taken(by) => (MountEffect::Taken, ids(&[by]), None),
        Effect::Cancelled(with) => (MountEffect::Cancelled, ids(&with), None),
        Effect::Takes(from) => (MountEffect::Takes, ids(&from), None),
        Effect::NeedsTask => (MountEffect::NeedsTask, Vec::new(), None),
        Effect::NotMet(condition) => (MountEffect::NotMet, Vec::new(), Some(condition)),
        Effect::Void(reason) => (MountEffect::Void, Vec::new(), Some(reason)),
    };
    MountVerdict {
        rule: id(verdict.source),
        rank: verdict.rank.into(),
        mount_path: verdict.mount_path,
        effect,
        others,
        reason: reason.filter(|_| is_internal),
    }
}

fn conflict(conflict: Conflict) -> MountConflict {
    MountConflict {
        kind: conflict.kind.into(),
        mount_path: conflict.mount_path,
        rules: ids(&conflict.sources),
    }
}
