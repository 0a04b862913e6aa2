//! Which directories users and their tasks can reach: rules, what follows from them, and how they are changed.
//!
//! [`resolve()`] is pure: rules and a user in, mounts and the reason for each out. `docs/mounts.md` has the words for people.

mod adopt;
mod change;
mod condition;
mod facts;
mod plan;
mod preview;
mod query;
mod resolve;
mod rule;
mod template;
#[cfg(test)]
mod tests;
mod value;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use change::{Outcome, advise, change};
pub use entity::MountRuleId;
pub use entity::mount_rule::{Action, Kind, Model as MountRule};
pub use facts::{TaskFacts, UserFacts};
pub use plan::{Advice, Warning, WarningKind};
pub use preview::{Preview, of_task, of_user, visible_to};
pub use query::{Filter, count, list};
pub use resolve::{Conflict, ConflictKind, Effect, Resolution, ResolvedMount, Verdict, resolve};
pub use rule::{Definition, Rank, Rule, Source};

pub(crate) use adopt::{Adopted, adopt};
pub(crate) use preview::{mounts_of, visible};

/// A directory that every node sees under the same path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path.
    pub path: PathBuf,
    /// Whether tasks may only read it.
    pub read_only: bool,
}

/// Whether a path lies in one of the mounts. The path must be absolute and without `..`.
pub fn covers(mounts: &[Mount], path: &Path) -> bool {
    mounts.iter().any(|mount| path.starts_with(&mount.path))
}
