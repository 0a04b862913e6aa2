//! What a runtime hands to the agent of one rank.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Everything an agent needs to run one rank. Written as a file of mode 0600, because the environment may hold
/// secrets of the user; the platform's own token is in [`Launch::token_file`], never in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// [`crate::PROTOCOL_VERSION`] of the writer.
    pub protocol_version: u32,
    /// Numeric id of the task.
    pub task_id: i64,
    /// Number of the run within the task, from 1.
    pub run: i32,
    /// Index of the rank within the run, from 0.
    pub rank: u32,
    /// Number of ranks of the run.
    pub world_size: u32,
    /// Name of the node.
    pub node: String,
    /// File with a [`ServerFile`], read anew at each connect: the server's address may change while the task runs.
    pub server_file: PathBuf,
    /// File (0600) with the agent's bearer token; the agent replaces its content when it renews the token.
    pub token_file: PathBuf,
    /// The rank's own directory: launch, process and exit records, and the control directory. If the command runs as
    /// another user ([`Launch::identity`]), everybody must be able to pass through its parents; the agent sees to it that
    /// the directory itself can be passed.
    pub rank_dir: PathBuf,
    /// Directory of this rank's log segments, named by the offset of their first byte.
    pub log_dir: PathBuf,
    /// Limits of the log.
    pub log: LogLimits,
    /// The user's command.
    pub command: Command,
    /// Whom the command runs as; absent: as the agent itself.
    pub identity: Option<Identity>,
    /// Seconds without output after which the rank is reported as silent; absent: no watchdog on this rank.
    pub silence_secs: Option<u64>,
    /// File in which whoever runs the agent's container looks for its last words: how the rank ended is written there, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_word: Option<PathBuf>,
    /// The user's own directory, which the agent makes over to [`Launch::identity`]; absent: whoever started the agent has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<PathBuf>,
    /// The [`crate::FENCE_FILE`] of the rank; absent: nobody needs that, because whoever runs agents here sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<PathBuf>,
}

/// The user's command, run as `bash -c <line>` in a clean environment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Working directory.
    pub workspace: PathBuf,
    /// Shell line, for example `exec python3 -u train.py --steps 5`.
    pub line: String,
    /// The whole environment, in order; a later entry of the same name wins.
    pub env: Vec<(String, String)>,
}

/// Shows the names of the environment only: the values may be secrets of the user.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .env
            .iter()
            .map(|(name, _value)| name.as_str())
            .collect();
        f.debug_struct("Command")
            .field("workspace", &self.workspace)
            .field("line", &self.line)
            .field("env", &names)
            .finish()
    }
}

/// A user of the operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the platform's user.
    pub user: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// How much log a rank keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimits {
    /// A segment is closed when it has this many bytes (it ends with a whole line unless the line is longer).
    pub segment_bytes: u64,
    /// Whole oldest segments are removed while the rank's log is larger than this.
    pub budget_bytes: u64,
}

/// Where the server can be reached now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFile {
    /// Base address, for example `http://127.0.0.1:8080`.
    pub url: String,
    /// Process number of the server on the agent's machine, 0 if it runs on another one. A file whose process is gone
    /// is stale: somebody else may listen on its address by now.
    pub pid: u32,
    /// With `https`: the certificate that this server shows, in PEM. Whoever reads this file may read it only because it is his, so
    /// he takes this certificate for the server's, and no other, whoever signed it and whatever name it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}
