//! What a runtime must know to start a rank.

use std::path::PathBuf;

use super::RankKey;

/// A rank to be started. It holds secrets, so it cannot be printed.
#[derive(Clone)]
pub struct LaunchRank {
    /// Which rank.
    pub key: RankKey,
    /// Number of ranks of the run.
    pub run_world_size: u32,
    /// Name of the node that it runs on.
    pub node: String,
    /// Name of its owner.
    pub user: String,
    /// Its owner's user id on the nodes; 0: as the platform itself.
    pub uid: u32,
    /// The user's command.
    pub command: protocol::Command,
    /// Seconds without output after which the rank is reported as silent; absent: never.
    pub silence_secs: Option<u64>,
    /// With what its agent shows who it is.
    pub token: AgentToken,
    /// Directory for the segments of its log.
    pub log_dir: PathBuf,
}

/// The bearer token of one agent. Not printable, so that it cannot reach a log by accident.
#[derive(Clone)]
pub struct AgentToken(String);

impl AgentToken {
    /// Wraps a token.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
