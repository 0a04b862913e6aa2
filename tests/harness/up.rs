//! The real program `hai-platform up`, to be killed and started again.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result};
use domain::store::Location;
use protocol::ServerFile;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use tokio::process::Command;

use crate::kubernetes::KubernetesCluster;
use crate::program::{command, output_of, program};
use crate::server::Server;
use crate::site::Site;
use crate::{Client, Output};

/// A data directory with a server that may be dead for a while. At its end everything that it has started is killed.
#[derive(Debug)]
pub struct Up {
    server: Option<Server>,
    /// Base address of the server that runs now.
    pub url: String,
    /// The administrator's token.
    pub token: String,
    /// All that the servers have said before they were up.
    pub said: String,
    /// Whether everything that can be logged is, into [`Up::server_log`].
    is_watched: bool,
    // The last to go: then the server is dead and starts nothing more.
    site: Site,
}

impl Up {
    /// A place for a new platform, on the database that `HAI_TEST_DATABASE` chooses. No server runs.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn prepare() -> Result<Self> {
        Ok(Self {
            server: None,
            url: String::new(),
            token: String::new(),
            said: String::new(),
            is_watched: false,
            site: Site::new().await?,
        })
    }

    /// A new platform on SQLite, whatever database was chosen: it has its directory for itself.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_alone() -> Result<Self> {
        let mut up = Self::prepare().await?;
        up.site.database = Location::Sqlite(up.data_dir().join("platform.db"));
        up.again().await?;
        Ok(up)
    }

    /// A place for a new platform on this PostgreSQL database, which may have a replica.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn prepare_on(database: &str, replica: Option<&str>) -> Result<Self> {
        let mut up = Self::prepare().await?;
        up.site.database = Location::Postgres(database.to_owned());
        up.site.replica = replica.map(str::to_owned);
        Ok(up)
    }

    /// Starts a new platform.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start() -> Result<Self> {
        let mut up = Self::prepare().await?;
        up.again().await?;
        Ok(up)
    }

    /// Starts a new platform that runs tasks in this cluster.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_in(cluster: &KubernetesCluster) -> Result<Self> {
        let mut up = Self::prepare().await?;
        cluster.configure(&mut up.site).await?;
        up.again().await?;
        Ok(up)
    }

    /// Starts a new platform that is given this Redis.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_with_redis(url: &str) -> Result<Self> {
        let mut up = Self::prepare().await?;
        up.site.redis = Some(url.to_owned());
        up.again().await?;
        Ok(up)
    }

    /// Starts a new platform that logs all it can, and is given this Redis. If its database is PostgreSQL, it signs in with this password, written
    /// as in an address; the server of the tests takes any.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_watched(password: &str, redis: &str) -> Result<Self> {
        let mut up = Self::prepare().await?;
        up.site.redis = Some(redis.to_owned());
        up.is_watched = true;
        if let Location::Postgres(url) = &mut up.site.database {
            *url = url.replacen('@', &format!(":{password}@"), 1);
        }
        up.again().await?;
        Ok(up)
    }

    /// Starts the server again on the same directory.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn again(&mut self) -> Result<()> {
        let log = self.is_watched.then(|| self.server_log());
        let server = Server::start(&self.site, "up", log.as_deref()).await?;
        self.said.push_str(&server.said);
        self.url.clone_from(&server.url);
        if let Some(token) = &server.token {
            self.token.clone_from(token);
        }
        self.server = Some(server);
        Ok(())
    }

    /// Runs `hai-platform` with these words on the same directory and database, to its end.
    ///
    /// # Errors
    /// If it cannot be started or does not end.
    pub async fn run(&self, words: &[&str]) -> Result<Output> {
        let mut command = command("hai-platform")?;
        command
            .args(words)
            .arg("--data-dir")
            .arg(self.data_dir())
            .envs(self.site.variables())
            .current_dir(self.code());
        output_of(command).await
    }

    /// Types a line in a shell on this host, where `hai-platform` finds this directory and database. The output is what a
    /// terminal would show.
    ///
    /// # Errors
    /// If it cannot be started or does not end.
    pub async fn types(&self, line: &str) -> Result<Output> {
        let platform = program("hai-platform")?;
        let tools = platform
            .parent()
            .context("the programs are in a directory")?;
        let platform = "hai-platform() { command hai-platform \"$@\" --data-dir \"$DATA_DIR\"; }";
        let mut command = Command::new("bash");
        command
            .args(["-c", &format!("exec 2>&1; {platform}\n{line}")])
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", tools.display()),
            )
            .env("DATA_DIR", self.data_dir())
            .envs(self.site.variables())
            .current_dir(self.code())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        output_of(command).await
    }

    /// The administrator.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn admin(&self) -> Result<Client> {
        self.client(&self.token).await
    }

    /// Somebody with a token. Over TLS the server is known as agents know it.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn client(&self, token: &str) -> Result<Client> {
        let announced = std::fs::read(self.data_dir().join("server.json"))?;
        let announced: ServerFile = serde_json::from_slice(&announced)?;
        match announced.certificate {
            Some(certificate) => Client::trusting(&self.url, token, &certificate).await,
            None => Client::connect(&self.url, token).await,
        }
    }

    /// Kills the server with SIGKILL and waits until it is gone. What it has started lives on.
    ///
    /// # Errors
    /// If there is none.
    pub async fn kill(&mut self) -> Result<()> {
        self.server.take().context("a server runs")?.kill().await
    }

    /// Waits until the server has ended by itself. Says whether it did so in good order.
    ///
    /// # Errors
    /// If there is none, or it does not end.
    pub async fn has_ended(&mut self) -> Result<bool> {
        let server = self.server.take().context("a server runs")?;
        server.has_ended().await
    }

    /// Makes the database that of a later version, which has forgotten all changes that this one knows. No platform
    /// has been here yet.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pretend_to_be_newer(&self, change: &str) -> Result<()> {
        std::fs::create_dir(self.data_dir())?;
        let db = self.connect().await?;
        db.execute_unprepared(
            "CREATE TABLE seaql_migrations (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)",
        )
        .await?;
        db.execute_unprepared(&format!(
            "INSERT INTO seaql_migrations (version, applied_at) VALUES ('{change}', 0)"
        ))
        .await?;
        Ok(db.close().await?)
    }

    /// Changes rows behind the platform's back.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn tamper(&self, sql: &str) -> Result<()> {
        let db = self.connect().await?;
        db.execute_unprepared(sql).await?;
        Ok(db.close().await?)
    }

    /// The changes that the database has, in order.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn changes(&self) -> Result<Vec<String>> {
        let db = self.connect().await?;
        let query = "SELECT version FROM seaql_migrations ORDER BY version";
        let query = Statement::from_string(db.get_database_backend(), query);
        let rows = db.query_all_raw(query).await?;
        db.close().await?;
        let versions = rows.iter().map(|row| row.try_get("", "version"));
        Ok(versions.collect::<Result<_, _>>()?)
    }

    /// The platform's directory.
    pub fn data_dir(&self) -> PathBuf {
        self.site.data_dir()
    }

    /// What the server of [`Up::start_watched`] has logged.
    pub fn server_log(&self) -> PathBuf {
        self.code().join("server.log")
    }

    /// The database of the platform.
    pub fn database(&self) -> &Location {
        &self.site.database
    }

    /// The number of the server's process.
    pub fn server_pid(&self) -> Option<u32> {
        self.server.as_ref().and_then(Server::pid)
    }

    /// Every row of the database as text, where it is not a file in the directory anyway.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn rows(&self) -> Result<Vec<String>> {
        if let Location::Sqlite(_) = &self.site.database {
            return Ok(Vec::new());
        }
        let db = self.connect().await?;
        let ask = async |query: String| -> Result<Vec<String>> {
            let query = Statement::from_string(db.get_database_backend(), query);
            let rows = db.query_all_raw(query).await?;
            let texts = rows.iter().map(|row| row.try_get_by_index(0));
            Ok(texts.collect::<Result<_, _>>()?)
        };
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        let mut all = Vec::new();
        for table in ask(tables.to_owned()).await? {
            all.extend(ask(format!("SELECT t::text FROM \"{table}\" t")).await?);
        }
        db.close().await?;
        Ok(all)
    }

    /// The directory where scripts are; it is the home of whoever started the server.
    pub fn code(&self) -> PathBuf {
        self.site.code()
    }

    /// Writes a shell script.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        self.site.script(name, text)
    }

    async fn connect(&self) -> Result<DatabaseConnection> {
        let url = match &self.site.database {
            // Where the program itself puts it, not where the tests of parts do.
            Location::Sqlite(_) => {
                let path = self.data_dir().join("platform.db");
                format!("sqlite://{}?mode=rwc", path.display())
            }
            Location::Postgres(url) => url.clone(),
        };
        Ok(Database::connect(url).await?)
    }
}
