//! PostgreSQL and Redis of our own, to be killed, stopped and started again on the same data.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, User, geteuid};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// A server that is one process with children, in a group of its own.
#[derive(Debug)]
pub(crate) struct Service {
    name: &'static str,
    program: PathBuf,
    words: Vec<String>,
    log: PathBuf,
    account: Option<User>,
    at: (Ipv4Addr, u16),
    /// Says whether it is ready, where that is not seen from outside: PostgreSQL takes connections while it recovers.
    probe: Option<PathBuf>,
    process: Option<Child>,
}

impl Service {
    /// PostgreSQL with an empty database `hai` for the user `postgres`, durable, at an address.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) async fn postgres(
        programs: &Path,
        home: &Path,
        at: (Ipv4Addr, u16),
    ) -> Result<Self> {
        let account = account()?;
        own(home, account.as_ref())?;
        let data = home.join("data");
        let mut initdb = as_account(&programs.join("initdb"), account.as_ref());
        initdb
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .arg("--pgdata")
            .arg(&data);
        let output = initdb.output().context("cannot run initdb")?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let trust = "host all all 0.0.0.0/0 trust\n";
        fs::write(
            data.join("pg_hba.conf"),
            format!("local all all trust\n{trust}"),
        )?;
        let sockets = home.display();
        let words = [
            format!("-D{}", data.display()),
            format!("-p{}", at.1),
            format!("-clisten_addresses={}", at.0),
            format!("-cunix_socket_directories={sockets}"),
            "-cmax_connections=200".to_owned(),
            // The disk is small.
            "-cmax_wal_size=256MB".to_owned(),
        ];
        let mut service = Self {
            name: "PostgreSQL",
            program: programs.join("postgres"),
            words: words.into(),
            log: home.join("postgres.log"),
            account,
            at,
            probe: Some(programs.join("pg_isready")),
            process: None,
        };
        service.start().await?;
        Ok(service)
    }

    /// Redis without persistence, at an address.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) async fn redis(home: &Path, at: (Ipv4Addr, u16)) -> Result<Self> {
        let account = account()?;
        own(home, account.as_ref())?;
        let words = [
            format!("--bind {}", at.0),
            format!("--port {}", at.1),
            "--save".to_owned(),
            String::new(),
            "--appendonly no --protected-mode no".to_owned(),
            format!("--dir {}", home.display()),
        ];
        let split = |text: String| match text.is_empty() {
            true => vec![text],
            false => text.split(' ').map(str::to_owned).collect(),
        };
        let mut service = Self {
            name: "Redis",
            program: PathBuf::from("redis-server"),
            words: words.into_iter().flat_map(split).collect(),
            log: home.join("redis.log"),
            account,
            at,
            probe: None,
            process: None,
        };
        service.start().await?;
        Ok(service)
    }

    /// Starts it again, and waits until it answers.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) async fn start(&mut self) -> Result<()> {
        let log = fs::File::options()
            .append(true)
            .create(true)
            .open(&self.log)?;
        let mut command = as_account(&self.program, self.account.as_ref());
        command
            .args(&self.words)
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let process = command.spawn();
        self.process = Some(process.with_context(|| format!("{} does not start", self.name))?);
        for _ in 0..6000 {
            if self.is_ready().await {
                return Ok(());
            }
            if let Some(process) = &mut self.process
                && process.try_wait()?.is_some()
            {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(10).collect();
        anyhow::bail!("{} does not start: {tail:#?}", self.name)
    }

    async fn is_ready(&self) -> bool {
        if TcpStream::connect(self.at).await.is_err() {
            return false;
        }
        let Some(probe) = &self.probe else {
            return true;
        };
        let (host, port) = self.at;
        let mut probe = as_account(probe, self.account.as_ref());
        probe.args([
            "--quiet",
            "--host",
            &host.to_string(),
            "--port",
            &port.to_string(),
        ]);
        probe.status().is_ok_and(|status| status.success())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.at.into()
    }

    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        let process = self.process.as_mut();
        process.is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Kills it with everything that it has started.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // PostgreSQL gives each of its processes a group of its own.
            for child in children(process.id()) {
                let _ = kill(child, Signal::SIGKILL);
            }
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Stops all of it where it stands, or lets it go on.
    pub(crate) fn stall(&self, stands: bool) {
        let signal = if stands {
            Signal::SIGSTOP
        } else {
            Signal::SIGCONT
        };
        if let Some(process) = &self.process {
            for child in children(process.id()) {
                let _ = kill(child, signal);
            }
            if let Ok(pid) = i32::try_from(process.id()) {
                let _ = killpg(Pid::from_raw(pid), signal);
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stall(false);
        self.kill();
    }
}

/// The processes whose parent this is.
fn children(parent: u32) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let list = list.unwrap_or_default();
    let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.map(Pid::from_raw).collect()
}

/// Whom servers run as that refuse to run as root.
fn account() -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres")?;
    Ok(Some(user.context(
        "there is no account postgres: apt-get install postgresql",
    )?))
}

fn own(home: &Path, account: Option<&User>) -> Result<()> {
    fs::create_dir_all(home)?;
    fs::set_permissions(home, fs::Permissions::from_mode(0o700))?;
    if let Some(user) = account {
        chown(home, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    Ok(())
}

fn as_account(program: &Path, account: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    if let Some(user) = account {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}
