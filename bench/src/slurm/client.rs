//! The programs of Slurm, as users of one cluster start them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Whoever speaks with the cluster in this directory.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) home: PathBuf,
}

impl Client {
    /// Submits a script with `sbatch` and answers the task's number. Each task has a log of its own.
    pub(super) async fn submit(&self, script: &Path, options: &[&str]) -> Result<String> {
        let mut command = tokio::process::Command::from(self.marked("sbatch"));
        command
            .args(["--parsable", "--output", "log/%j"])
            .args(options)
            .arg(script)
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let output = command.output().await.context("cannot run sbatch")?;
        ensure!(output.status.success(), "sbatch failed: {}", output.status);
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// What a program says, if it succeeds.
    pub(super) fn says(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = self.marked(program);
        command.args(arguments).stdout(Stdio::piped());
        let output = command.output().ok()?;
        let said = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| said.trim().to_owned())
    }

    /// A program that knows this cluster, and carries its mark.
    pub(super) fn marked(&self, program: &str) -> Command {
        // Debian keeps daemons out of the `PATH` of people: `env` looks where this one's leads.
        let mut command = Command::new("env");
        command
            .arg(program)
            .current_dir(&self.home)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("SLURM_CONF", self.conf())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// The file that makes it this cluster.
    pub(super) fn conf(&self) -> PathBuf {
        self.home.join("slurm.conf")
    }
}
