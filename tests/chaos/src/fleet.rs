//! The processes of the platform: two that answer and two that drive, each on a machine of its own, and always started again.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep, timeout};

use crate::machine::Machine;

/// What all processes share.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The program `hai-platform`.
    pub(crate) program: PathBuf,
    /// The platform's directory.
    pub(crate) data_dir: PathBuf,
    /// Where scripts are, and what they leave.
    pub(crate) code: PathBuf,
    /// Where tasks note whom they meet.
    pub(crate) records: PathBuf,
    /// The library that makes clocks jump, if this machine has it.
    pub(crate) faketime: Option<PathBuf>,
    /// Number of nodes.
    pub(crate) nodes: u32,
}

/// One process, and the machine where it is started again.
#[derive(Debug)]
pub(crate) struct Member {
    role: &'static str,
    pub(crate) machine: Machine,
    port: u16,
    site: Site,
    /// Of its environment.
    variables: Vec<(&'static str, String)>,
    log: PathBuf,
    process: Option<Child>,
}

impl Member {
    /// Starts `hai-platform ROLE` on a machine.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(
        site: &Site,
        role: &'static str,
        (machine, port): (Machine, u16),
        variables: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let mut member = Self {
            role,
            log: site.code.with_file_name(format!("{role}-{port}.log")),
            machine,
            port,
            site: site.clone(),
            variables,
            process: None,
        };
        member.again()?;
        Ok(member)
    }

    /// Starts it, unless it runs.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn again(&mut self) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        if self.machine.has_links() {
            // It reaches the database by a cable, whose address is not that by which others do, and would take it for another.
            let _ = fs::remove_file(self.site.data_dir.join("database"));
        }
        let log = File::options().append(true).create(true).open(&self.log)?;
        let listen = self.address().to_string();
        let mut command = self.machine.command(&self.site.program);
        command
            .args([
                self.role,
                "--listen",
                &listen,
                "--nodes",
                &self.site.nodes.to_string(),
            ])
            .arg("--data-dir")
            .arg(&self.site.data_dir)
            .arg("--mount")
            .arg(&self.site.records)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", &self.site.code)
            .envs(self.variables.iter().cloned())
            .current_dir(&self.site.code)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some(library) = &self.site.faketime {
            self.set_clock("+0")?;
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.clock())
                .env("FAKETIME_CACHE_DURATION", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let process = command.spawn();
        self.process = Some(process.with_context(|| format!("cannot start {}", self.role))?);
        Ok(())
    }

    /// Lets its clock jump: `+3600` is an hour ahead of the machine's.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn set_clock(&self, to: &str) -> Result<()> {
        Ok(fs::write(self.clock(), to)?)
    }

    fn clock(&self) -> PathBuf {
        self.log.with_extension("clock")
    }

    /// Whether it answers people.
    pub(crate) fn answers(&self) -> bool {
        self.role == "serve"
    }

    fn is_running(&mut self) -> bool {
        let process = self.process.as_mut();
        process.is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (self.machine.address, self.port).into()
    }

    /// Base address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// What it has said, for the token of the first start.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its log.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Asks it to stop, and waits until it has. Answers how long that took.
    ///
    /// # Errors
    /// If it does not run, or does not stop in 15 s.
    pub(crate) async fn stop(&mut self) -> Result<Duration> {
        let asked = Instant::now();
        self.signal(Signal::SIGTERM)?;
        while self.is_running() {
            if asked.elapsed() > Duration::from_secs(15) {
                bail!("{} does not stop", self.url());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(asked.elapsed())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// If it does not run.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().context("it does not run")?;
        Ok(kill(Pid::from_raw(i32::try_from(process.id())?), signal)?)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// If it is not within a minute.
    pub(crate) async fn is_ready(&self, http: &reqwest::Client) -> Result<()> {
        let url = format!("{}/readyz", self.url());
        let ready = async {
            loop {
                if let Ok(answer) = http.get(&url).send().await
                    && answer.status().is_success()
                {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = timeout(Duration::from_secs(60), ready).await;
        waited.with_context(|| format!("{} is not ready: see {}", self.url(), self.log.display()))
    }

    /// Whether it drives the platform.
    pub(crate) async fn leads(&self, http: &reqwest::Client) -> bool {
        let ask = http.get(format!("{}/metrics", self.url())).send();
        let Ok(Ok(answer)) = timeout(Duration::from_secs(1), ask).await else {
            return false;
        };
        let text = answer.text().await.unwrap_or_default();
        text.lines().any(|line| line == "hai_leader 1")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.signal(Signal::SIGCONT);
        self.kill();
    }
}

/// The library that makes clocks jump, where Debian's package `faketime` puts it.
pub(crate) fn faketime() -> Option<PathBuf> {
    let folder = Path::new("/usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let library = folder.join("faketime/libfaketimeMT.so.1");
    library.exists().then_some(library)
}

/// The agents of a data directory: their numbers.
pub(crate) fn agents(data_dir: &Path) -> Vec<Pid> {
    let run = data_dir.join("run");
    let run = run.to_string_lossy().into_owned();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_agent = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        words.contains("\0agent\0--launch\0") && words.contains(&run)
    };
    pids.filter(is_agent).map(Pid::from_raw).collect()
}

/// Kills whatever still runs for a data directory: agents, commands and what they have started.
pub(crate) fn kill_all(data_dir: &Path) {
    let mark = format!("={}/run/", data_dir.display());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(&mark) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}
