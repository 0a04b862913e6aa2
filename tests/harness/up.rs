//! The real program `hai-platform up`, to be killed and started again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::{Client, program};

/// A data directory with a server that may be dead for a while.
#[derive(Debug)]
pub struct Up {
    dir: TempDir,
    database: Option<String>,
    server: Option<Child>,
    stdout: Option<Lines<BufReader<ChildStdout>>>,
    /// Base address of the server that runs now.
    pub url: String,
    /// The administrator's token.
    pub token: String,
}

impl Up {
    /// Starts a new platform, on the database that `HAI_TEST_DATABASE` chooses.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
        std::fs::create_dir(dir.path().join("code"))?;
        let database = match domain::testing::location(dir.path()).await {
            domain::store::Location::Sqlite(_) => None,
            domain::store::Location::Postgres(url) => Some(url),
        };
        let mut up = Self {
            dir,
            database,
            server: None,
            stdout: None,
            url: String::new(),
            token: String::new(),
        };
        up.again().await?;
        Ok(up)
    }

    /// Starts the server again on the same directory.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn again(&mut self) -> Result<()> {
        let mut command = Command::new(program("hai-platform")?);
        command
            .args(["up", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.data_dir())
            .env_clear()
            .env("HOME", self.code())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .current_dir(self.code())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some(database) = &self.database {
            command.env("HAI_DATABASE_URL", database);
        }
        let mut server = command.spawn()?;
        let stdout = server.stdout.take().context("its output is a pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some((_, url)) = line.split_once(" is up at ") {
                self.url = url.trim().to_owned();
            }
            if let Some(token) = line
                .split_whitespace()
                .find(|word| word.starts_with("ACCESS-"))
            {
                self.token = token.to_owned();
            }
            if line.starts_with("Ctrl-C") {
                self.server = Some(server);
                self.stdout = Some(lines);
                return Ok(());
            }
        }
        anyhow::bail!("the server has ended: {:?}", server.wait().await)
    }

    /// The administrator.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn admin(&self) -> Result<Client> {
        Client::connect(&self.url, &self.token).await
    }

    /// Kills the server with SIGKILL and waits until it is gone. What it has started lives on.
    ///
    /// # Errors
    /// If there is none.
    pub async fn kill(&mut self) -> Result<()> {
        let mut server = self.server.take().context("a server runs")?;
        server.kill().await?;
        self.stdout = None;
        Ok(())
    }

    /// Waits until the server has ended by itself. Says whether it did so in good order.
    ///
    /// # Errors
    /// If there is none.
    pub async fn has_ended(&mut self) -> Result<bool> {
        let mut server = self.server.take().context("a server runs")?;
        Ok(server.wait().await?.success())
    }

    /// The environment with which other commands find the same database.
    pub fn variables(&self) -> Vec<(String, String)> {
        let url = self
            .database
            .iter()
            .map(|url| ("HAI_DATABASE_URL".to_owned(), url.clone()));
        url.collect()
    }

    /// Writes into the database what a later version would.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pretend_to_be_newer(&self) -> Result<()> {
        let url = match &self.database {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", self.data_dir().join("platform.db").display()),
        };
        let db = sea_orm::Database::connect(url).await?;
        let change = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_future', 0)";
        db.execute_unprepared(change).await?;
        Ok(db.close().await?)
    }

    /// The platform's directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("platform")
    }

    /// The directory where scripts are; it is the home of whoever started the server.
    pub fn code(&self) -> PathBuf {
        self.dir.path().join("code")
    }

    /// Writes a shell script.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        crate::platform::script(Path::new(&self.code()), name, text)
    }
}
