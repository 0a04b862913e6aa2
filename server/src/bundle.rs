//! Files that this program carries along, and how they are unpacked where every user can read them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::directory;

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../", $folder, "/", $name)))),*]
    };
}

/// The package `hfai` for training code.
pub(crate) const HFAI: &[(&str, &str)] = files!["python":
    "hfai/__init__.py",
    "hfai/py.typed",
    "hfai/client/__init__.py",
    "hfai/client/_agent.py",
    "hfai/client/_life_state.py",
    "hfai/client/_situation.py",
    "hfai/client/_suspend.py",
    "hfai/client/_task.py",
];

/// The example that the demonstration trains, without its tests.
pub(crate) const CHARLM: &[(&str, &str)] = files!["examples/charlm":
    "adam.py",
    "allreduce.py",
    "checkpoint.py",
    "data.py",
    "floats.py",
    "link.py",
    "model.py",
    "rendezvous.py",
    "settings.py",
    "suspension.py",
    "train.py",
];

/// Writes the files into a directory that everybody can read, whatever the umask.
pub(crate) fn unpack(files: &[(&str, &str)], into: &Path) -> Result<()> {
    for (name, text) in files {
        let path = into.join(name);
        write(&path, text, into)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str, root: &Path) -> io::Result<()> {
    let within = path
        .ancestors()
        .skip(1)
        .take_while(|dir| dir.starts_with(root));
    let dirs: Vec<&Path> = within.collect();
    for dir in dirs.into_iter().rev() {
        directory::make(dir, 0o755)?;
    }
    fs::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))
}
