//! Whether the platform can see a script of this machine, and under which path.

use std::path::{Path, PathBuf};

use crate::operations::Mount;

/// A directory that the platform mounts, as this machine sees it.
#[derive(Debug, Clone)]
pub(crate) struct Mounted {
    /// The path that tasks see.
    pub(crate) path: PathBuf,
    /// The same without symbolic links, if it exists here.
    pub(crate) real: PathBuf,
}

impl Mounted {
    /// Resolves the links of a mount on this machine.
    pub(crate) fn of(mount: &Mount) -> Self {
        let path = PathBuf::from(&mount.path);
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        Self { path, real }
    }
}

/// The path under which tasks see a directory or file of this machine; `None` if they do not.
///
/// The innermost mount counts. A path that goes through links is found by where it really is.
pub(crate) fn path_in_tasks(mounts: &[Mounted], path: &Path, real: &Path) -> Option<PathBuf> {
    if mounts.iter().any(|mount| path.starts_with(&mount.path)) {
        return Some(path.to_owned());
    }
    let innermost = mounts
        .iter()
        .filter(|mount| real.starts_with(&mount.real))
        .max_by_key(|mount| mount.real.components().count())?;
    let inside = real.strip_prefix(&innermost.real).ok()?;
    Some(
        innermost
            .path
            .components()
            .chain(inside.components())
            .collect(),
    )
}

/// What to say to somebody whose script is in none of the mounts.
pub(crate) fn advice(mounts: &[Mount], what: &Path, directory: &Path) -> String {
    let directory = directory.display();
    let start = format!("start the platform with `--mount {directory}`");
    let what = what.display();
    if mounts.is_empty() {
        return format!(
            "tasks cannot see {what}: the platform mounts no directory for you; {start}"
        );
    }
    let paths: Vec<String> = mounts
        .iter()
        .map(|mount| match mount.read_only {
            true => format!("{} (read only)", mount.path),
            false => mount.path.clone(),
        })
        .collect();
    let paths = paths.join(", ");
    format!(
        "tasks cannot see {what}: it is in none of the directories that the platform mounts for you \
         ({paths}); copy it there, or {start}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(path: &str, real: &str) -> Mounted {
        Mounted {
            path: path.into(),
            real: real.into(),
        }
    }

    fn found(mounts: &[Mounted], path: &str, real: &str) -> Option<String> {
        path_in_tasks(mounts, path.as_ref(), real.as_ref()).map(|path| path.display().to_string())
    }

    #[test]
    fn a_path_below_a_mount_keeps_its_name() {
        let mounts = [mounted("/data/me", "/data/me")];
        assert_eq!(
            found(&mounts, "/data/me", "/data/me").as_deref(),
            Some("/data/me")
        );
        assert_eq!(
            found(&mounts, "/data/me/a", "/disk/a").as_deref(),
            Some("/data/me/a")
        );
        assert_eq!(found(&mounts, "/data/meow", "/data/meow"), None);
        assert_eq!(found(&[], "/data/me", "/data/me"), None);
    }

    #[test]
    fn a_path_reached_through_a_link_gets_the_name_that_tasks_know() {
        let mounts = [
            mounted("/home/me", "/disk"),
            mounted("/home/me/big", "/disk/big"),
        ];
        assert_eq!(
            found(&mounts, "/disk/a", "/disk/a").as_deref(),
            Some("/home/me/a")
        );
        assert_eq!(
            found(&mounts, "/x", "/disk/big/a").as_deref(),
            Some("/home/me/big/a")
        );
    }

    #[test]
    fn the_advice_names_the_mounts_and_both_ways_out() {
        let mount = |path: &str, read_only| Mount {
            path: path.to_owned(),
            read_only,
        };
        let mounts = [mount("/data/me", false), mount("/data/all", true)];
        let text = advice(&mounts, "/tmp/x.py".as_ref(), "/tmp".as_ref());
        assert_eq!(
            text,
            "tasks cannot see /tmp/x.py: it is in none of the directories that the platform mounts \
             for you (/data/me, /data/all (read only)); copy it there, or start the platform with \
             `--mount /tmp`"
        );
        assert!(advice(&[], "/tmp/x.py".as_ref(), "/tmp".as_ref()).contains("mounts no directory"));
    }
}
