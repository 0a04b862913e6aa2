//! The root of a container: what this machine has, and over it what the pod mounts.
//!
//! A mount point that this machine does not have is made in a copy of the directory it is in, where everything else of it
//! is mounted. So nothing is left behind on the machine.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::volume::Mount;

/// What a container sees of the devices.
const DEVICES: [&str; 13] = [
    "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
    "urandom", "zero",
];

/// Lays out an empty directory as a root, and says what has to be mounted in it, in the form of `fstab`.
pub(super) fn lay_out(root: &Path, mounts: &[Mount]) -> io::Result<String> {
    let mut mounts = mounts.to_vec();
    for mount in &mut mounts {
        mount.at = resolved(&mount.at);
    }
    // What is mounted in a mount comes after it.
    mounts.sort_by_key(|mount| mount.at.components().count());
    let plan = Plan::of(&mounts);
    let mut fstab = String::new();
    for directory in &plan.copied {
        plan.copy(root, directory, &mut fstab)?;
    }
    for mount in &mounts {
        if let Some(point) = plan.point(root, mount, &mounts) {
            make(&point, mount.from.is_dir())?;
        }
        let how = if mount.read_only { "rbind,ro" } else { "rbind" };
        line(&mut fstab, &mount.from, &in_root(root, &mount.at), how);
    }
    Ok(fstab)
}

/// What has to be copied so that there is a place for everything.
struct Plan {
    /// Each before what is in it.
    copied: BTreeSet<PathBuf>,
    points: BTreeSet<PathBuf>,
}

impl Plan {
    fn of(mounts: &[Mount]) -> Self {
        let mut copied: BTreeSet<PathBuf> = ["/", "/dev"].map(PathBuf::from).into();
        for mount in mounts {
            let is_there = mount.at.exists() && mount.at.is_dir() == mount.from.is_dir();
            if !is_there && outer(mount, mounts).is_none() {
                copied.extend(mount.at.ancestors().skip(1).map(Path::to_owned));
            }
        }
        let points = mounts.iter().map(|mount| mount.at.clone()).collect();
        Self { copied, points }
    }

    /// What must be made so that there is something to mount on; none if this machine has it.
    fn point(&self, root: &Path, mount: &Mount, mounts: &[Mount]) -> Option<PathBuf> {
        if let Some(outer) = outer(mount, mounts) {
            return Some(outer.from.join(inside(&outer.at, &mount.at)));
        }
        let is_in_copy = { mount.at.parent() }.is_some_and(|parent| self.copied.contains(parent));
        is_in_copy.then(|| in_root(root, &mount.at))
    }

    /// Makes a directory whose entries are those of this machine.
    fn copy(&self, root: &Path, directory: &Path, fstab: &mut String) -> io::Result<()> {
        let to = in_root(root, directory);
        make(&to, true)?;
        let Ok(entries) = fs::read_dir(directory) else {
            return Ok(());
        };
        fs::set_permissions(&to, fs::metadata(directory)?.permissions())?;
        for entry in entries {
            let entry = entry?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let is_hidden = !DEVICES.iter().any(|name| entry.file_name() == *name);
            let is_ours = self.copied.contains(&from) || self.points.contains(&from);
            if is_ours || (directory == Path::new("/dev") && is_hidden) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                symlink(fs::read_link(&from)?, &to)?;
            } else {
                make(&to, kind.is_dir())?;
                line(fstab, &from, &to, "rbind");
            }
        }
        Ok(())
    }
}

/// The mount that another one is in, the innermost.
fn outer<'a>(mount: &Mount, mounts: &'a [Mount]) -> Option<&'a Mount> {
    let mut mounts = mounts.iter().rev();
    mounts.find(|outer| mount.at != outer.at && mount.at.starts_with(&outer.at))
}

fn make(path: &Path, is_directory: bool) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let parent = if is_directory {
        Some(path)
    } else {
        path.parent()
    };
    if let Some(parent) = parent {
        DirBuilder::new().recursive(true).create(parent)?;
    }
    if !is_directory {
        File::create(path)?;
    }
    Ok(())
}

/// Where a path leads on this machine, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    for known in path.ancestors() {
        if let Ok(real) = fs::canonicalize(known) {
            let rest = inside(known, path);
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    path.to_owned()
}

fn inside<'a>(outer: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(outer).unwrap_or(path)
}

fn in_root(root: &Path, path: &Path) -> PathBuf {
    root.join(inside(Path::new("/"), path))
}

fn line(fstab: &mut String, from: &Path, to: &Path, how: &str) {
    let word = |path: &Path| {
        let text = path.to_string_lossy().replace('\\', "\\134");
        let text = text.replace(' ', "\\040").replace('\t', "\\011");
        text.replace('\n', "\\012").replace('#', "\\043")
    };
    fstab.push_str(&format!("{} {} none {how} 0 0\n", word(from), word(to)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(from: &Path, at: &str) -> Mount {
        Mount {
            from: from.to_owned(),
            at: at.into(),
            read_only: false,
        }
    }

    #[test]
    fn what_the_machine_does_not_have_gets_a_place_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let (root, volume) = (dir.path().join("root"), dir.path().join("volume"));
        let file = dir.path().join("file");
        fs::create_dir(&volume).unwrap();
        fs::write(&file, "").unwrap();
        let mounts = [
            mount(&file, "/hai-nowhere/deep/word"),
            mount(&volume, "/hai-nowhere"),
            mount(&file, "/etc/hosts"),
            mount(&file, "/usr/bin/hai-nowhere"),
        ];
        let fstab = lay_out(&root, &mounts).unwrap();
        assert!(root.join("hai-nowhere").is_dir());
        assert!(volume.join("deep/word").is_file(), "it is in the volume");
        assert!(root.join("usr/bin/hai-nowhere").is_file());
        assert!(!root.join("etc/hosts").exists(), "/etc is there as a whole");
        assert!(root.join("dev/null").is_file() && !root.join("dev/kmsg").exists());
        let targets: Vec<&str> = { fstab.lines() }
            .map(|line| line.split(' ').nth(1).unwrap())
            .collect();
        let place = |path: &str| {
            let path = root.join(path).to_string_lossy().into_owned();
            targets.iter().position(|target| *target == path)
        };
        assert!(place("hai-nowhere") < place("hai-nowhere/deep/word"));
        assert!(place("etc") < place("etc/hosts"));
        assert_eq!(place("usr"), None, "it is a copy");
        assert!(place("usr/lib").is_some() || root.join("usr/lib").is_symlink());
    }

    #[test]
    fn what_is_special_in_a_name_is_written_so_that_it_is_not() {
        let mut fstab = String::new();
        line(&mut fstab, Path::new("/a b"), Path::new("/c#\\d"), "rbind");
        assert_eq!(fstab, "/a\\040b /c\\043\\134d none rbind 0 0\n");
    }
}
