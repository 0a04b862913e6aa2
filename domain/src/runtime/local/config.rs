//! What the local runtime must be told.

use std::ffi::OsString;
use std::path::PathBuf;

use protocol::LogLimits;

/// Settings of a [`super::LocalRuntime`].
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// Directory of the platform's data. It must exist.
    pub data_dir: PathBuf,
    /// Directory of the users' workspaces, usually `<data_dir>/workspaces`.
    ///
    /// What is missing of the way to it is made so that everybody can pass (0711). What exists is left as it is: if
    /// `switch_user`, all above it must be `o+x`, or commands cannot enter their workspaces, and the platform's own
    /// files beside it must be closed to users.
    pub workspaces: PathBuf,
    /// File in which agents find the server's address ([`protocol::ServerFile`]).
    pub server_file: PathBuf,
    /// Absolute path of the agent's executable and its first arguments, for example `/usr/bin/hai-platform agent
    /// --launch`; the path of the launch file is appended.
    pub agent_command: Vec<OsString>,
    /// The whole environment of agents, but for [`protocol::RANK_DIR_VAR`].
    pub agent_env: Vec<(OsString, OsString)>,
    /// Number of virtual nodes, named `node-1`, `node-2` and so on.
    pub nodes: u32,
    /// Group of all nodes.
    pub group: String,
    /// Limits of each rank's log.
    pub log_limits: LogLimits,
    /// Whether commands run as their owners: needs root. If not, all tasks and the platform trust each other.
    pub switch_user: bool,
}
