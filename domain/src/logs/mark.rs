//! Where a log ended when it was read, to see cheaply that it has grown.

use std::fs;
use std::path::PathBuf;

/// The end of a log at one moment. Seeing that it has grown opens no file and reads nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The newest segment and how many bytes it had.
    pub(super) newest: Option<(PathBuf, u64)>,
    /// The segment that will follow. None while the newest is empty: it would have the same name.
    pub(super) next: Option<PathBuf>,
}

impl Mark {
    /// Whether there is more by now. Blocks on the file system; one that fails has nothing more.
    pub fn is_passed(&self) -> bool {
        let has_grown = self.newest.as_ref().is_some_and(|(path, n_bytes)| {
            fs::metadata(path).is_ok_and(|found| found.len() > *n_bytes)
        });
        let is_followed = |path: &PathBuf| fs::metadata(path).is_ok();
        has_grown || self.next.as_ref().is_some_and(is_followed)
    }
}
