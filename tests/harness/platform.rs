//! The real platform in this process.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use domain::runtime::Killed;
use domain::setup::FirstUser;
use domain::store::{Connections, Location};
use nix::unistd::Uid;
use server::data_dir::DataDir;
use server::environment::Environment;
use server::{PlatformConfig, Timing};

use crate::server::Server;
use crate::site::Site;
use crate::{Client, program};

/// A platform with two nodes and its administrator. At its end everything that it has started is killed.
#[derive(Debug)]
pub struct Platform {
    /// The administrator.
    pub admin: Client,
    server: server::Platform,
    token: String,
    /// Processes beside this one.
    others: Vec<Server>,
    site: Site,
}

impl Platform {
    /// Starts one in a directory of its own.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(Timing::default()).await
    }

    /// The same with another patience, for a test that would only wait.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_with(timing: Timing) -> Result<Self> {
        let site = Site::new().await?;
        let uid = Uid::effective();
        let data = DataDir::choose(
            Some(site.data_dir()),
            &Environment::default(),
            uid.is_root(),
        )?;
        let config = PlatformConfig {
            role: server::Role::Both,
            database: site.database.clone(),
            connections: Connections::default(),
            redis: None,
            data_dir: data,
            listen: ([127, 0, 0, 1], 0).into(),
            agent_url: None,
            tls: None,
            proxies: server::Proxies::default(),
            allowed_origins: Vec::new(),
            insecure_cookies: false,
            rate: None,
            capacity: server::Capacity::default(),
            nodes: 2,
            group: server::GROUP.to_owned(),
            mounts: vec![site.code()],
            kubernetes: None,
            has_rdma: false,
            agent_command: vec![program("hai-agent")?.into_os_string(), "--launch".into()],
            switch_user: uid.is_root(),
            first_user: FirstUser {
                name: "admin".to_owned(),
                uid: uid.as_raw().into(),
            },
            timing,
        };
        let server = server::Platform::start(config).await?;
        let token = server
            .first_token
            .as_ref()
            .context("a new platform has a token")?;
        let token = token.reveal().to_owned();
        let admin = Client::connect(&server.url, &token).await?;
        Ok(Self {
            admin,
            server,
            token,
            others: Vec::new(),
            site,
        })
    }

    /// A new user without groups.
    ///
    /// # Errors
    /// If the name is taken.
    pub async fn user(&self, name: &str) -> Result<Client> {
        let token = self.admin.create_user(name).await?;
        Client::connect(&self.server.url, &token).await
    }

    /// Starts a process beside this one that answers as well, and answers its administrator; `None` on SQLite, which cannot be
    /// shared. Agents that are connected here stay here.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn neighbour(&mut self) -> Result<Option<Client>> {
        if matches!(self.site.database, Location::Sqlite(_)) {
            return Ok(None);
        }
        let server = Server::start(&self.site, "serve", None).await?;
        let admin = Client::connect(&server.url, &self.token).await?;
        self.others.push(server);
        Ok(Some(admin))
    }

    /// Where its database is.
    pub fn database(&self) -> &Location {
        &self.site.database
    }

    /// The base address.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The directory where everybody's scripts are.
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

    /// Stops it and everything that still runs.
    ///
    /// # Errors
    /// If something of it cannot be killed.
    pub async fn stop(self) -> Result<()> {
        let runtime = self.server.app.runtime.clone();
        for rank in runtime.list().await? {
            let killed = runtime.kill(&rank).await?;
            ensure!(killed == Killed::Gone, "rank {rank} is still ending");
        }
        self.server.stop().await;
        Ok(())
    }
}
