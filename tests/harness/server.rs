//! One process of the platform, from its start until it is up, and to its end.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::program::command;
use crate::site::Site;
use crate::within;

/// A process of the platform. It dies with its test.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    // It would be killed by what it prints later if nobody held the other end.
    _stdout: Lines<BufReader<ChildStdout>>,
    /// What it was started as.
    pub(crate) role: String,
    /// Base address.
    pub(crate) url: String,
    /// The administrator's token, if the platform was new.
    pub(crate) token: Option<String>,
    /// All that it has said before it was up.
    pub(crate) said: String,
}

impl Server {
    /// Starts `hai-platform ROLE` at a site, and waits until it is up. Whatever can be logged goes to `log`, if there is one.
    ///
    /// # Errors
    /// If it does not come up.
    pub(crate) async fn start(site: &Site, role: &str, log: Option<&Path>) -> Result<Self> {
        let mut command = command("hai-platform")?;
        command
            .args([role, "--listen", &site.listen.to_string(), "--data-dir"])
            .arg(site.data_dir())
            .args(&site.words)
            .envs(site.variables())
            .current_dir(site.code())
            .stdout(Stdio::piped());
        if let Some(log) = log {
            let log = File::options().append(true).create(true).open(log)?;
            command.env("HAI_LOG", "trace").stderr(log);
        }
        let mut process = command.spawn()?;
        let stdout = process.stdout.take().context("its output is a pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        let (mut url, mut token, mut said) = (String::new(), None, String::new());
        while let Some(line) = within(lines.next_line()).await?? {
            said.push_str(&line);
            said.push('\n');
            if let Some((_, at)) = line.split_once(" is up at ") {
                at.trim().clone_into(&mut url);
            }
            let mut words = line.split_whitespace();
            let shown = words.find(|word| word.starts_with("ACCESS-"));
            token = token.or(shown.map(str::to_owned));
            if line.starts_with("Ctrl-C") {
                return Ok(Self {
                    process,
                    _stdout: lines,
                    role: role.to_owned(),
                    url,
                    token,
                    said,
                });
            }
        }
        bail!("the server has ended: {:?}", within(process.wait()).await?)
    }

    /// Number of the process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// If it does not stop in good order.
    pub(crate) async fn stop(self) -> Result<()> {
        let pid = i32::try_from(self.pid().context("it runs")?)?;
        kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        ensure!(self.has_ended().await?, "it has not ended in good order");
        Ok(())
    }

    /// Kills it with SIGKILL and waits until it is gone. What it has started lives on.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub(crate) async fn kill(mut self) -> Result<()> {
        Ok(within(self.process.kill()).await??)
    }

    /// Waits until it has ended by itself. Says whether it did so in good order.
    ///
    /// # Errors
    /// If it does not end.
    pub(crate) async fn has_ended(mut self) -> Result<bool> {
        Ok(within(self.process.wait()).await??.success())
    }
}
