//! Labels, by which objects are found, and annotations. What they say is said nowhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::runtime::{RankKey, RunKey};

/// Who takes care of the object; all of ours have it.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// What it is a part of.
pub(crate) const PART_OF: &str = "app.kubernetes.io/part-of";
/// Number of the task.
pub(crate) const TASK: &str = "hai-platform/task";
/// Number of the run within the task.
pub(crate) const RUN: &str = "hai-platform/run";
/// Number of the rank within the run.
pub(crate) const RANK: &str = "hai-platform/rank";
/// Name of the owner, exactly: every name of a user can be the value of a label.
pub(crate) const USER: &str = "hai-platform/user";

/// Annotation: the directory with the logs of the run, where the platform has it.
pub(crate) const LOG_DIR: &str = "hai-platform/log-dir";
/// Of nodes: the name that pods are pinned to.
pub(crate) const HOSTNAME: &str = "kubernetes.io/hostname";

/// Of nodes: that an administrator has taken them out of use.
pub(crate) const DISABLED: &str = "hai-platform/disabled";
/// Its value if we have cordoned the node for it.
pub(crate) const CORDONED: &str = "cordoned";
/// Its value if somebody else had.
pub(crate) const CORDONED_BEFORE: &str = "cordoned-before";

/// Also our name as a manager of fields.
pub(crate) const MANAGER: &str = "hai-platform";
/// What ranks are a part of.
pub(crate) const RANKS: &str = "hai-ranks";

/// Labels of what belongs to all ranks; by them ranks are selected.
pub(crate) fn of_ranks() -> BTreeMap<String, String> {
    labels([
        (MANAGED_BY, MANAGER.to_owned()),
        (PART_OF, RANKS.to_owned()),
    ])
}

/// Labels of what belongs to a run.
pub(crate) fn of_run(run: &RunKey, user: &str) -> BTreeMap<String, String> {
    let mut all = of_ranks();
    all.extend(labels([
        (TASK, run.task.to_string()),
        (RUN, run.run.to_string()),
        (USER, user.to_owned()),
    ]));
    all
}

/// Labels of a rank.
pub(crate) fn of_rank(rank: &RankKey, user: &str) -> BTreeMap<String, String> {
    let mut all = of_run(&rank.run_key(), user);
    all.insert(RANK.to_owned(), rank.rank.to_string());
    all
}

/// Annotations of what belongs to a run, one of whose ranks has its log there.
pub(crate) fn annotations(log_dir: &Path) -> Option<BTreeMap<String, String>> {
    let of_run = log_dir.parent()?.to_str()?;
    Some(labels([(LOG_DIR, of_run.to_owned())]))
}

/// Where annotations say that the logs of the run are.
pub(crate) fn log_dir(annotations: &BTreeMap<String, String>) -> Option<PathBuf> {
    annotations.get(LOG_DIR).map(PathBuf::from)
}

/// The rank that labels speak of, if they do.
pub(crate) fn rank(labels: &BTreeMap<String, String>) -> Option<RankKey> {
    Some(RankKey {
        task: labels.get(TASK)?.parse().ok()?,
        run: labels.get(RUN)?.parse().ok()?,
        rank: labels.get(RANK)?.parse().ok()?,
    })
}

fn labels<const N: usize>(all: [(&str, String); N]) -> BTreeMap<String, String> {
    all.map(|(name, value)| (name.to_owned(), value)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_found_by_its_labels() {
        let key = RankKey {
            task: 42,
            run: 3,
            rank: 7,
        };
        assert_eq!(rank(&of_rank(&key, "ada_1")), Some(key));
        assert_eq!(rank(&of_run(&key.run_key(), "ada_1")), None);
        let mut foreign = of_rank(&key, "ada_1");
        foreign.insert(RANK.to_owned(), "first".to_owned());
        assert_eq!(rank(&foreign), None);
    }
}
