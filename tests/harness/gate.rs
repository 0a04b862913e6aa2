//! Holds commands until the test lets them go on, without a clock.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

use crate::within;

/// A named pipe. The test holds both of its ends, so that neither the test nor a command blocks in opening it.
#[derive(Debug)]
pub struct Gate {
    path: PathBuf,
    sender: Sender,
    receiver: BufReader<Receiver>,
}

impl Gate {
    /// A closed gate in a directory.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(dir: &Path, name: &str) -> Result<Self> {
        let path = dir.join(name);
        mkfifo(&path, Mode::from_bits_truncate(0o666)).context("a named pipe can be made")?;
        let mut open = OpenOptions::new();
        open.read_write(true);
        Ok(Self {
            sender: open.open_sender(&path)?,
            receiver: BufReader::new(open.open_receiver(&path)?),
            path,
        })
    }

    /// The shell command that waits here.
    pub fn wait(&self) -> String {
        format!("read -r line < {}", self.path.display())
    }

    /// The shell command that tells the test that it has come here.
    pub fn tell(&self) -> String {
        format!("echo here > {}", self.path.display())
    }

    /// Lets so many commands through, those that come later too.
    ///
    /// # Errors
    /// If the pipe is gone.
    pub async fn open(&mut self, commands: usize) -> Result<()> {
        let lines = "\n".repeat(commands);
        Ok(self.sender.write_all(lines.as_bytes()).await?)
    }

    /// Waits until one more command has told that it came here.
    ///
    /// # Errors
    /// If none comes.
    pub async fn heard(&mut self) -> Result<()> {
        within(self.receiver.read_line(&mut String::new())).await??;
        Ok(())
    }
}
