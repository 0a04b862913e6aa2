//! The example that the demonstration trains, as it was when this program was built.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../examples/charlm/", $name)))),*]
    };
}

/// Every module of the example, without its tests.
const FILES: &[(&str, &str)] = files![
    "adam.py",
    "allreduce.py",
    "checkpoint.py",
    "data.py",
    "floats.py",
    "link.py",
    "model.py",
    "rendezvous.py",
    "settings.py",
    "train.py",
];

/// Writes the example where everybody can read it, and says where.
pub(super) fn unpack(into: &Path) -> Result<PathBuf> {
    let dir = into.join("charlm");
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&dir)
        .with_context(|| format!("{} cannot be made", dir.display()))?;
    for (name, text) in FILES {
        let path = dir.join(name);
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o644)))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(dir)
}
