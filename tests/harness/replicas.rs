//! Several processes of the platform that share a database and a data directory.

use std::path::PathBuf;

use anyhow::{Context, Result};
use domain::store::Location;
use tokio::task::yield_now;

use crate::server::Server;
use crate::site::Site;
use crate::{Client, within};

/// Processes of `serve` and `work`, in the order in which they were started. At its end everything that they have started is
/// killed.
#[derive(Debug)]
pub struct Replicas {
    servers: Vec<Server>,
    token: String,
    // The last to go: then all servers are dead and start nothing more.
    site: Site,
}

impl Replicas {
    /// Starts a new platform of these roles, one after the other; `None` on SQLite, which cannot be shared.
    ///
    /// # Errors
    /// If one does not come up.
    pub async fn start(roles: &[&str]) -> Result<Option<Self>> {
        Self::start_at(Site::new().await?, roles).await
    }

    /// The same with a Redis that all share.
    ///
    /// # Errors
    /// If one does not come up.
    pub async fn start_with_redis(roles: &[&str], redis: &str) -> Result<Option<Self>> {
        let mut site = Site::new().await?;
        site.redis = Some(redis.to_owned());
        Self::start_at(site, roles).await
    }

    async fn start_at(site: Site, roles: &[&str]) -> Result<Option<Self>> {
        if matches!(site.database, Location::Sqlite(_)) {
            return Ok(None);
        }
        let mut replicas = Self {
            servers: Vec::new(),
            token: String::new(),
            site,
        };
        for role in roles {
            replicas.add(role).await?;
        }
        Ok(Some(replicas))
    }

    /// Starts one more, and answers its number.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn add(&mut self, role: &str) -> Result<usize> {
        let server = Server::start(&self.site, role, None).await?;
        if let Some(token) = &server.token {
            self.token.clone_from(token);
        }
        self.servers.push(server);
        Ok(self.servers.len() - 1)
    }

    /// Kills one with SIGKILL. Those behind it move up.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub async fn kill(&mut self, number: usize) -> Result<()> {
        self.servers.remove(number).kill().await
    }

    /// Asks one to stop, and waits until it has. Those behind it move up.
    ///
    /// # Errors
    /// If it does not stop in good order.
    pub async fn stop(&mut self, number: usize) -> Result<()> {
        self.servers.remove(number).stop().await
    }

    /// Asks one to stop, and starts another in its place when it has. What is to happen in between is done in between.
    ///
    /// # Errors
    /// If it does not stop in good order, or the other does not come up.
    pub async fn restart(
        &mut self,
        number: usize,
        meanwhile: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<()> {
        let server = self.servers.remove(number);
        let role = server.role.clone();
        server.stop().await?;
        meanwhile().await?;
        let server = Server::start(&self.site, &role, None).await?;
        self.servers.insert(number, server);
        Ok(())
    }

    /// The administrator at one of them.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn admin(&self, number: usize) -> Result<Client> {
        Client::connect(&self.servers[number].url, &self.token).await
    }

    /// What one of them measures, by the name of the metric.
    ///
    /// # Errors
    /// If it does not answer or does not measure that.
    pub async fn measured(&self, number: usize, metric: &str) -> Result<f64> {
        let url = format!("{}/metrics", self.servers[number].url);
        let text = within(reqwest::get(url)).await??.text().await?;
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        Ok(value.context("it is measured")?.parse()?)
    }

    /// Waits until one of them drives the platform, and answers its number.
    ///
    /// # Errors
    /// If none ever does.
    pub async fn leader(&self) -> Result<usize> {
        let look = async {
            loop {
                for number in 0..self.servers.len() {
                    if self.measured(number, "hai_leader").await? > 0.0 {
                        return Ok(number);
                    }
                }
                yield_now().await;
            }
        };
        within(look).await?
    }

    /// The directory where scripts are.
    pub fn code(&self) -> PathBuf {
        self.site.code()
    }

    /// The platform's directory.
    pub fn data_dir(&self) -> PathBuf {
        self.site.data_dir()
    }

    /// Writes a shell script.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        self.site.script(name, text)
    }

    /// The administrator's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Base address of one of them.
    pub fn url(&self, number: usize) -> &str {
        &self.servers[number].url
    }
}
