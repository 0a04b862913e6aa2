//! Directories of this machine that tasks can read: where a workspace may be.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

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
