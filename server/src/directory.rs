//! Directories that others may enter: their mode is a promise, so it does not depend on the umask.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Makes a directory with exactly this mode. Missing parents are made with the usual one, and a directory that is
/// there already is left as it is.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn make(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // Closed at first, so that it is never more open than it will be.
    DirBuilder::new().mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_mode_is_exact_and_parents_get_the_usual_one() {
        let dir = tempfile::tempdir().unwrap();
        let usual = dir.path().join("usual");
        fs::create_dir(&usual).unwrap();
        let made = dir.path().join("parent/made");
        // Every usual umask takes something away from this mode.
        make(&made, 0o1777).unwrap();
        assert_eq!(mode(&made), 0o1777);
        assert_eq!(mode(made.parent().unwrap()), mode(&usual));
    }

    #[test]
    fn a_directory_that_is_there_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o750)).unwrap();
        make(dir.path(), 0o711).unwrap();
        assert_eq!(mode(dir.path()), 0o750);
    }
}
