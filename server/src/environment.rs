//! What the process is told by its environment: read once, at the start.

use std::ffi::OsString;
use std::path::PathBuf;

use domain::store::Location;

use crate::data_dir::DataDir;

/// The variables that this program reads.
#[derive(Clone, Default)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `USER`: name of whoever starts the platform.
    pub user: Option<String>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `HAI_DATABASE_URL`: address of a PostgreSQL database to use instead of SQLite in the data directory. It may
    /// hold a password, so it is taken from nowhere else.
    pub database_url: Option<String>,
    /// `HAI_LOG`: what is logged, in the syntax of `tracing`, for example `info,sqlx=warn`.
    pub log: Option<String>,
}

impl Environment {
    /// Reads the variables of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the server reads its environment"
    )]
    pub fn read() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            home: text("HOME").map(PathBuf::from),
            user: text("USER"),
            path: std::env::var_os("PATH"),
            database_url: text("HAI_DATABASE_URL"),
            log: text("HAI_LOG"),
        }
    }

    /// The database of a data directory.
    pub fn database(&self, data_dir: &DataDir) -> Location {
        match &self.database_url {
            Some(url) => Location::Postgres(url.clone()),
            None => Location::Sqlite(data_dir.database()),
        }
    }
}
