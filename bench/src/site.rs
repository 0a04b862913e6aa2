//! Where a platform is measured: the real program on a directory of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long the platform may take to come up or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Debug, Clone, Args)]
pub(crate) struct Ground {
    /// The program `hai-platform`.
    #[arg(long, value_name = "FILE")]
    pub(crate) server: PathBuf,
    /// Cores of the server, as `taskset` takes them; without it, all that there are.
    #[arg(long, value_name = "LIST")]
    pub(crate) cores: Option<String>,
    /// An empty PostgreSQL that the figures of PostgreSQL are measured on.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

/// The databases that a benchmark is run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres(String),
}

impl Database {
    /// How figures call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

impl Ground {
    /// The same with all cores for the server: what it starts is the load.
    pub(crate) fn on_all_cores(&self) -> Result<Self> {
        let online = std::fs::read_to_string("/sys/devices/system/cpu/online")?;
        Ok(Self {
            cores: Some(online.trim().to_owned()),
            ..self.clone()
        })
    }

    /// SQLite, and PostgreSQL if there is one.
    pub(crate) fn databases(&self) -> Vec<Database> {
        let postgres = self.postgres.clone().map(Database::Postgres);
        [Database::Sqlite].into_iter().chain(postgres).collect()
    }
}

/// A directory with a platform. What it has started goes with it.
#[derive(Debug)]
pub(crate) struct Site {
    command: SiteCommand,
    server: Option<Server>,
    /// Base address of the server that runs now.
    pub(crate) url: String,
    /// The administrator's token.
    pub(crate) token: String,
    dir: TempDir,
}

#[derive(Debug)]
struct Server {
    process: Child,
    /// Kept open: a server that cannot say goodbye would be a broken one.
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// How the server is started, the first time and again.
#[derive(Debug)]
struct SiteCommand {
    program: PathBuf,
    cores: Option<String>,
    database: Database,
    nodes: u32,
}

impl Site {
    /// Starts a new platform with so many virtual nodes.
    pub(crate) async fn start(ground: &Ground, database: &Database, nodes: u32) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        // Tasks run as their owners, who must be able to pass.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
        std::fs::create_dir(dir.path().join("code"))?;
        let mut site = Self {
            command: SiteCommand {
                program: ground.server.clone(),
                cores: ground.cores.clone(),
                database: database.clone(),
                nodes,
            },
            server: None,
            url: String::new(),
            token: String::new(),
            dir,
        };
        site.again().await?;
        ensure!(!site.token.is_empty(), "the database is not an empty one");
        Ok(site)
    }

    /// Starts the server again on the same directory.
    pub(crate) async fn again(&mut self) -> Result<()> {
        let mut process = self.command.build(self.dir.path()).spawn()?;
        let stdout = process.stdout.take().context("its output is a pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = timeout(PATIENCE, lines.next_line()).await?? {
            if let Some((_, url)) = line.split_once(" is up at ") {
                url.trim().clone_into(&mut self.url);
            }
            let is_token = |word: &&str| word.starts_with("ACCESS-");
            if let Some(token) = line.split_whitespace().find(is_token) {
                token.clone_into(&mut self.token);
            }
            if line.starts_with("Ctrl-C") {
                self.server = Some(Server {
                    process,
                    _stdout: lines,
                });
                return Ok(());
            }
        }
        anyhow::bail!("the server has ended: {:?}", process.wait().await?)
    }

    /// Kills the server with SIGKILL.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let mut server = self.server.take().context("a server runs")?;
        Ok(server.process.kill().await?)
    }

    /// Stops the server in good order, so that what it has in memory is in its files.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let mut server = self.server.take().context("a server runs")?;
        let pid = server.process.id().context("it has not ended yet")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        timeout(PATIENCE, server.process.wait()).await??;
        Ok(())
    }

    /// Address of the database, for whoever knows its tables.
    pub(crate) fn database_url(&self) -> String {
        match &self.command.database {
            Database::Sqlite => {
                format!("sqlite://{}", self.data_dir().join("platform.db").display())
            }
            Database::Postgres(url) => url.clone(),
        }
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> Result<u32> {
        let server = self.server.as_ref().context("a server runs")?;
        server.process.id().context("it has not ended yet")
    }

    /// Memory of the server's process, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let pid = self.pid()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(1024 * kib.context("a process has memory")?.parse::<u64>()?)
    }

    /// The directory where scripts are; tasks can read it.
    pub(crate) fn code(&self) -> PathBuf {
        self.dir.path().join("code")
    }

    /// The platform's own directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("platform")
    }

    /// Writes a shell script that tasks can run.
    pub(crate) fn script(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.code().join(name), text)?)
    }
}

impl Drop for Site {
    /// Agents and commands outlive their server: here they would be in the way of the next figure.
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.process.start_kill();
        }
        // One that is being started while the others die is found in the next round.
        while kill_ranks(self.dir.path()) > 0 {}
    }
}

/// Kills every process that carries the mark of a rank below a directory. Says how many there were.
fn kill_ranks(dir: &Path) -> usize {
    let mark = format!("HAI_RANK_DIR={}/", dir.display()).into_bytes();
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_marked = |pid: &i32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.windows(mark.len()).any(|part| part == mark)
    };
    pids.filter(is_marked)
        .filter(|pid| kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok())
        .count()
}

impl SiteCommand {
    fn build(&self, dir: &Path) -> Command {
        let mut command = match &self.cores {
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores]).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command
            .args(["up", "--listen", "127.0.0.1:0", "--nodes"])
            .arg(self.nodes.to_string())
            .arg("--data-dir")
            .arg(dir.join("platform"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", dir.join("code"))
            .env("HAI_LOG", "error")
            .current_dir(dir.join("code"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Database::Postgres(url) = &self.database {
            command.env("HAI_DATABASE_URL", url);
        }
        command
    }
}
