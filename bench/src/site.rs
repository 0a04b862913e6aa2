//! Where a platform is measured: the real program on a directory of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sea_orm::ConnectionTrait;
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
    /// A PostgreSQL that the figures of PostgreSQL are measured on. Its address ends with the name of a database.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// A Redis that the figures of several servers are measured with.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

/// What a platform is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Engines {
    database: Database,
    redis: Option<String>,
    /// Number of processes.
    servers: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Database {
    Sqlite,
    /// The address of the server. Each platform has a database of its own there.
    Postgres(String),
}

impl Engines {
    /// One process on SQLite.
    pub(crate) const LAPTOP: Self = Self {
        database: Database::Sqlite,
        redis: None,
        servers: 1,
    };

    /// How figures call it.
    pub(crate) fn name(&self) -> String {
        let database = match self.database {
            Database::Sqlite => "SQLite",
            Database::Postgres(_) => "PostgreSQL",
        };
        let redis = self.redis.as_ref().map_or("", |_| " and Redis");
        match self.servers {
            1 => format!("{database}{redis}"),
            servers => format!("{database}{redis}, {servers} servers"),
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

    /// One process on SQLite, and on PostgreSQL if there is one.
    pub(crate) fn databases(&self) -> Vec<Engines> {
        let postgres = self.postgres.clone().map(|url| Engines {
            database: Database::Postgres(url),
            ..Engines::LAPTOP
        });
        [Engines::LAPTOP].into_iter().chain(postgres).collect()
    }

    /// Two processes on PostgreSQL, which wake each other through it, and through Redis if there is one.
    pub(crate) fn replicas(&self) -> Vec<Engines> {
        let Some(postgres) = self.postgres.clone() else {
            return Vec::new();
        };
        let redis = self.redis.clone().map(Some);
        let with = [None].into_iter().chain(redis);
        with.map(|redis| Engines {
            database: Database::Postgres(postgres.clone()),
            redis,
            servers: 2,
        })
        .collect()
    }
}

/// A directory with a platform. What it has started goes with it.
#[derive(Debug)]
pub(crate) struct Site {
    command: SiteCommand,
    servers: Vec<Server>,
    /// The administrator's token.
    pub(crate) token: String,
    dir: TempDir,
}

#[derive(Debug)]
struct Server {
    process: Child,
    /// Base address.
    url: String,
    /// Kept open: a server that cannot say goodbye would be a broken one.
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// How the server is started, the first time and again.
#[derive(Debug)]
struct SiteCommand {
    program: PathBuf,
    cores: Option<String>,
    engines: Engines,
    database_url: Option<String>,
    nodes: u32,
}

impl Site {
    /// Starts a new platform with so many virtual nodes.
    pub(crate) async fn start(ground: &Ground, engines: &Engines, nodes: u32) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        // Tasks run as their owners, who must be able to pass.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
        std::fs::create_dir(dir.path().join("code"))?;
        let database_url = match &engines.database {
            Database::Sqlite => None,
            Database::Postgres(url) => Some(create_database(url).await?),
        };
        let mut site = Self {
            command: SiteCommand {
                program: ground.server.clone(),
                cores: ground.cores.clone(),
                engines: engines.clone(),
                database_url,
                nodes,
            },
            servers: Vec::new(),
            token: String::new(),
            dir,
        };
        site.again().await?;
        ensure!(!site.token.is_empty(), "the database is not an empty one");
        Ok(site)
    }

    /// Starts the servers again on the same directory.
    pub(crate) async fn again(&mut self) -> Result<()> {
        for _ in 0..self.command.engines.servers {
            self.start_server().await?;
        }
        Ok(())
    }

    async fn start_server(&mut self) -> Result<()> {
        let mut process = self.command.build(self.dir.path()).spawn()?;
        let stdout = process.stdout.take().context("its output is a pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut url = String::new();
        while let Some(line) = timeout(PATIENCE, lines.next_line()).await?? {
            if let Some((_, shown)) = line.split_once(" is up at ") {
                shown.trim().clone_into(&mut url);
            }
            let is_token = |word: &&str| word.starts_with("ACCESS-");
            if let Some(token) = line.split_whitespace().find(is_token) {
                token.clone_into(&mut self.token);
            }
            if line.starts_with("Ctrl-C") {
                self.servers.push(Server {
                    process,
                    url,
                    _stdout: lines,
                });
                return Ok(());
            }
        }
        anyhow::bail!("the server has ended: {:?}", process.wait().await?)
    }

    /// Kills the servers with SIGKILL, all before any is waited for.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        for server in &mut self.servers {
            server.process.start_kill()?;
        }
        for mut server in self.servers.drain(..) {
            server.process.wait().await?;
        }
        Ok(())
    }

    /// Stops the servers in good order, so that what they have in memory is in their files.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        for mut server in self.servers.drain(..) {
            let pid = server.process.id().context("it has not ended yet")?;
            kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
            timeout(PATIENCE, server.process.wait()).await??;
        }
        Ok(())
    }

    /// Base address of the first server.
    pub(crate) fn url(&self) -> &str {
        self.url_of(0)
    }

    /// Base address of a server; numbers go round.
    pub(crate) fn url_of(&self, number: usize) -> &str {
        &self.servers[number % self.servers.len()].url
    }

    /// Address of the database, for whoever knows its tables.
    pub(crate) fn database_url(&self) -> String {
        let file = self.data_dir().join("platform.db");
        let sqlite = || format!("sqlite://{}", file.display());
        self.command.database_url.clone().unwrap_or_else(sqlite)
    }

    /// The first server's process.
    pub(crate) fn pid(&self) -> Result<u32> {
        let server = self.servers.first().context("a server runs")?;
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
        for server in &mut self.servers {
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
        if let Some(url) = &self.database_url {
            command.env("HAI_DATABASE_URL", url);
        }
        if let Some(url) = &self.engines.redis {
            command.env("HAI_REDIS_URL", url);
        }
        command
    }
}

/// Creates an empty database on a server. Answers its address.
async fn create_database(server: &str) -> Result<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let name = format!("bench{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let (before, _) = server.rsplit_once('/').context("it names a database")?;
    let connection = sea_orm::Database::connect(server).await?;
    let create = format!("CREATE DATABASE {name}");
    connection.execute_unprepared(&create).await?;
    connection.close().await?;
    Ok(format!("{before}/{name}"))
}
