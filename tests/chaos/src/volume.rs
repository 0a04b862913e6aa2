//! A disk that can be full: a file system in memory, as long as we are root; else a directory, which cannot.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::machine::is_mighty;

/// What is mounted at a directory until this is dropped.
#[derive(Debug)]
pub(crate) struct Volume {
    path: PathBuf,
    is_mounted: bool,
}

impl Volume {
    /// A disk of so many megabytes at a directory, which is made.
    ///
    /// # Errors
    /// If it cannot be mounted although we are root.
    pub(crate) fn new(path: &Path, megabytes: u32) -> Result<Self> {
        fs::create_dir_all(path)?;
        let is_mounted = is_mighty();
        if is_mounted {
            let size = format!("size={megabytes}m");
            let words = ["-t", "tmpfs", "-o", &size, "none"];
            let status = Command::new("mount").args(words).arg(path).status();
            let status = status.context("cannot run mount")?;
            ensure!(status.success(), "{} cannot be mounted", path.display());
        }
        Ok(Self {
            path: path.to_owned(),
            is_mounted,
        })
    }

    /// Writes until there is no room left.
    ///
    /// # Errors
    /// If it is not a disk of its own.
    pub(crate) fn fill(&self) -> Result<()> {
        ensure!(self.is_mounted, "only root has disks to fill");
        let mut file = File::create(self.ballast())?;
        let zeros = vec![0; 1 << 16];
        while file.write_all(&zeros).is_ok() {}
        Ok(())
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// If it was not filled.
    pub(crate) fn clear(&self) -> Result<()> {
        Ok(fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount")
                .arg("--lazy")
                .arg(&self.path)
                .status();
        }
    }
}
