//! Whose the directories are that a user meets.
//!
//! Where the platform may not give a directory away, because it is not root, it is made closed, and the agent of the rank gives
//! it to the user.

use std::fs::{DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, lchown};
use std::path::Path;
use std::{fs, io};

use protocol::Identity;

/// Makes a user's workspace: the user's own and closed to others. Without an owner it stays whose it is. What is in it is left
/// alone.
///
/// # Errors
/// If it cannot be made, or given away.
pub fn create_workspace(dir: &Path, owner: Option<&Identity>) -> io::Result<()> {
    create(dir, 0o700)?;
    let Some(owner) = owner else { return Ok(()) };
    let found = fs::symlink_metadata(dir)?;
    if (found.uid(), found.gid()) != (owner.uid, owner.gid) {
        lchown(dir, Some(owner.uid), Some(owner.gid))?;
    }
    Ok(())
}

/// Makes the directory of a rank's log. Its owner may read it but not write: the agent writes there with more rights
/// than the user has, and must not be led elsewhere by a link. Without an owner it is closed to everybody.
///
/// # Errors
/// If it cannot be made, or its owner cannot be let in.
pub fn create_log_dir(dir: &Path, owner: Option<&Identity>) -> io::Result<()> {
    create(dir, 0o700)?;
    let Some(owner) = owner else { return Ok(()) };
    chown(dir, None, Some(owner.gid))?;
    fs::set_permissions(dir, Permissions::from_mode(0o2750)) // What is made in it gets the user's group, too.
}

/// Makes a directory that everybody can pass but not look around in.
pub(super) fn create_passable(dir: &Path) -> io::Result<()> {
    create(dir, 0o711)
}

/// Makes a directory unless it exists, and its missing parents so that everybody can pass but not look around.
fn create(dir: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(dir) {
        // Set again, because the process's umask may have taken something away.
        Ok(()) => fs::set_permissions(dir, Permissions::from_mode(mode)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = dir.parent().ok_or(error)?;
            create(parent, 0o711)?;
            create(dir, mode)
        }
        Err(error) => Err(error),
    }
}
