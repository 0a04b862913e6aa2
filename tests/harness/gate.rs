//! Holds a command until the test lets it go on, without a clock.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// A named pipe: `read` from it blocks a command until the gate is opened.
#[derive(Debug)]
pub struct Gate(PathBuf);

impl Gate {
    /// A closed gate in a directory.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(dir: &Path, name: &str) -> Result<Self> {
        let path = dir.join(name);
        mkfifo(&path, Mode::from_bits_truncate(0o666)).context("a named pipe can be made")?;
        Ok(Self(path))
    }

    /// The shell command that waits here.
    pub fn wait(&self) -> String {
        format!("read -r line < {}", self.0.display())
    }

    /// Lets one command through; waits until it has arrived.
    ///
    /// # Errors
    /// If the pipe is gone.
    pub async fn open(&self) -> Result<()> {
        let path = self.0.clone();
        let opened = tokio::task::spawn_blocking(move || {
            OpenOptions::new()
                .write(true)
                .open(path)?
                .write_all(b"go\n")
        });
        Ok(opened.await??)
    }

    /// Waits until a command has written a line here.
    ///
    /// # Errors
    /// If the pipe is gone.
    pub async fn pass(&self) -> Result<()> {
        let path = self.0.clone();
        tokio::task::spawn_blocking(move || std::fs::read(path)).await??;
        Ok(())
    }
}
