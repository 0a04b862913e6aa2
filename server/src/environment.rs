//! What the process is told by its environment: read once, at the start.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that this program reads.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `USER`: name of whoever starts the platform.
    pub user: Option<String>,
    /// `PATH`.
    pub path: Option<OsString>,
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
            log: text("HAI_LOG"),
        }
    }
}
