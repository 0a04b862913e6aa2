//! What a process of this machine sees of a mount without anything being mounted.

use std::fs;
use std::os::unix::fs::FileTypeExt;

use crate::mount::{Kind, ResolvedMount};
use crate::runtime::Visibility;

/// Whether a rank sees it, and why not.
pub(super) fn visibility(mount: &ResolvedMount) -> Visibility {
    if matches!(mount.kind, Kind::ConfigMap | Kind::VolumeClaim) {
        return Visibility::Unsupported;
    }
    if mount.host_path != mount.mount_path {
        return Visibility::OtherPath;
    }
    let Ok(found) = fs::metadata(&mount.host_path) else {
        return Visibility::Missing;
    };
    let fits = match mount.kind {
        Kind::Directory | Kind::DirectoryOrCreate => found.is_dir(),
        Kind::File | Kind::FileOrCreate => found.is_file(),
        Kind::Socket => found.file_type().is_socket(),
        Kind::Path | Kind::ConfigMap | Kind::VolumeClaim => true,
    };
    match (fits, mount.read_only) {
        (false, _) => Visibility::Missing,
        (true, false) => Visibility::Visible,
        (true, true) => Visibility::VisibleUnprotected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::{Rank, Source};

    fn seen(kind: Kind, host_path: &str, mount_path: &str, read_only: bool) -> Visibility {
        visibility(&ResolvedMount {
            host_path: host_path.to_owned(),
            mount_path: mount_path.to_owned(),
            kind,
            read_only,
            source: Source::Configured,
            rank: Rank::Group,
            overrode: Vec::new(),
        })
    }

    #[test]
    fn only_what_is_there_under_its_own_path_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().to_str().unwrap().to_owned();
        let file = format!("{dir}/file");
        fs::write(&file, "").unwrap();
        for (kind, path, expected) in [
            (Kind::Directory, &dir, Visibility::Visible),
            (Kind::Path, &dir, Visibility::Visible),
            (Kind::File, &dir, Visibility::Missing),
            (Kind::FileOrCreate, &file, Visibility::Visible),
            (Kind::DirectoryOrCreate, &file, Visibility::Missing),
            (Kind::Socket, &file, Visibility::Missing),
            (Kind::VolumeClaim, &file, Visibility::Unsupported),
            (Kind::Directory, &format!("{dir}/gone"), Visibility::Missing),
        ] {
            assert_eq!(seen(kind, path, path, false), expected, "{kind:?} {path}");
        }
        let unprotected = seen(Kind::Directory, &dir, &dir, true);
        assert_eq!(unprotected, Visibility::VisibleUnprotected);
        let elsewhere = seen(Kind::Directory, &dir, "/elsewhere", false);
        assert_eq!(elsewhere, Visibility::OtherPath);
    }
}
