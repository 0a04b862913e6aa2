//! What the process is told by its environment: read once, at the start.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};

/// The variables that this program reads. One that is empty counts as not set.
#[derive(Clone, Default)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `HAI_DATABASE_URL`: address of a PostgreSQL database to use instead of SQLite in the data directory. It may
    /// hold a password, so it is on no command line.
    pub database_url: Option<String>,
    /// `HAI_DATABASE_REPLICA_URL`: address of a copy of that database, which may answer queries.
    pub database_replica_url: Option<String>,
    /// `HAI_REDIS_URL`: address of a Redis that the servers of the platform share, before what the file says. It may hold a
    /// password.
    pub redis_url: Option<String>,
    /// `HAI_AGENT_URL`: where agents reach this process, if not at the address that it listens on.
    pub agent_url: Option<String>,
    /// `HAS_RDMA_HCA_RESOURCE`, of the original: whether each node of a cluster has an InfiniBand card (`1`).
    pub has_rdma: bool,
    /// `HAI_LOG`: what is logged, for example `info,sqlx=warn`.
    pub log: Option<String>,
    /// `HAI_LOG_FORMAT`: how a line looks, `text` or `json`.
    pub log_format: Option<String>,
}

impl Environment {
    /// Reads the variables of this process.
    ///
    /// # Errors
    /// If one of ours is not text: to do as if it were not set would use another database.
    pub fn read() -> Result<Self> {
        Ok(Self {
            home: value("HOME").map(PathBuf::from),
            path: value("PATH"),
            database_url: text("HAI_DATABASE_URL")?,
            database_replica_url: text("HAI_DATABASE_REPLICA_URL")?,
            redis_url: text("HAI_REDIS_URL")?,
            agent_url: text("HAI_AGENT_URL")?,
            has_rdma: text("HAS_RDMA_HCA_RESOURCE")?.is_some_and(|text| text == "1"),
            log: text("HAI_LOG")?,
            log_format: text("HAI_LOG_FORMAT")?,
        })
    }
}

/// A variable that a file names, to be filled in; one that is empty has an empty value.
pub(crate) fn variable(name: &str) -> Option<String> {
    raw(name)?.into_string().ok()
}

fn value(name: &str) -> Option<OsString> {
    raw(name).filter(|value| !value.is_empty())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the server reads its environment"
)]
fn raw(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn text(name: &str) -> Result<Option<String>> {
    let Some(value) = value(name) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) => Ok(Some(value)),
        // The value is not shown: it may hold a password.
        Err(_) => bail!("{name} is not text in UTF-8"),
    }
}
