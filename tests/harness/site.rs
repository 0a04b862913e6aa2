//! Where one test is at home: a directory, and the database that `HAI_TEST_DATABASE` chooses.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;
use domain::store::Location;
use tempfile::TempDir;

use crate::rank::kill_ranks;

/// The data of a platform, and everybody's scripts. With it goes what still runs for it.
#[derive(Debug)]
pub(crate) struct Site {
    dir: TempDir,
    /// The database of its own.
    pub(crate) database: Location,
    /// Where its copy is, if it has one.
    pub(crate) replica: Option<String>,
    /// A Redis, if there is one.
    pub(crate) redis: Option<String>,
    /// Where servers listen: each at a free port of its own, unless agents know them by their address.
    pub(crate) listen: SocketAddr,
    /// Further words for servers.
    pub(crate) words: Vec<OsString>,
}

impl Site {
    /// A new one: no platform has been there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) async fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
        std::fs::create_dir(dir.path().join("code"))?;
        let database = domain::testing::location(dir.path()).await;
        Ok(Self {
            dir,
            database,
            replica: None,
            redis: None,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            words: Vec::new(),
        })
    }

    /// The platform's directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("platform")
    }

    /// The directory where everybody's scripts are.
    pub(crate) fn code(&self) -> PathBuf {
        self.dir.path().join("code")
    }

    /// The environment in which the programs find the home and the database.
    pub(crate) fn variables(&self) -> Vec<(&str, String)> {
        let home = ("HOME", self.code().display().to_string());
        let database = match &self.database {
            Location::Sqlite(_) => None,
            Location::Postgres(url) => Some(("HAI_DATABASE_URL", url.clone())),
        };
        let replica = self.replica.clone();
        let replica = replica.map(|url| ("HAI_DATABASE_REPLICA_URL", url));
        let redis = self.redis.clone().map(|url| ("HAI_REDIS_URL", url));
        let all = [home].into_iter().chain(database).chain(replica);
        all.chain(redis).collect()
    }

    /// Writes a shell script.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.code().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Site {
    /// Agents and commands outlive their server, also that of a test that fails.
    fn drop(&mut self) {
        let data_dir = self.data_dir();
        // The marks of the processes have no symbolic links in them.
        let data_dir = data_dir.canonicalize().unwrap_or(data_dir);
        kill_ranks(&data_dir);
    }
}
