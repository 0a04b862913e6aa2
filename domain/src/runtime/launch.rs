//! What a runtime must know to start a rank.

use std::path::PathBuf;

use protocol::Identity;

use super::RankKey;
use crate::mount::ResolvedMount;

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
    /// What it runs in, where ranks run in containers.
    pub container: Container,
}

impl LaunchRank {
    /// Whom its command runs as; none: as the platform itself.
    pub fn identity(&self) -> Option<Identity> {
        (self.uid != 0).then(|| Identity {
            user: self.user.clone(),
            uid: self.uid,
            gid: self.uid,
        })
    }
}

/// What a rank runs in, where ranks run in containers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// The image; the usual one if empty.
    pub image: String,
    /// What it sees of the nodes, by mount path.
    pub mounts: Vec<ResolvedMount>,
    /// What it may do that others may not.
    pub rights: Rights,
    /// The owner's own directory, if there is one for him.
    pub home: Option<PathBuf>,
    /// Ports that are reached from outside of the run.
    pub exposures: Vec<Exposure>,
}

/// A port of a rank that is reached from outside of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Its name among those of the rank: a DNS label of at most 15 characters.
    pub name: String,
    /// The port in the container.
    pub port: u16,
    /// How it is reached.
    pub reach: Reach,
}

/// How a port is reached from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// By HTTP, at this path and below it.
    Path(String),
    /// By a port of every node; the runtime chooses one if absent.
    NodePort(Option<u16>),
}

/// What a container may do that others may not, each by a quota.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Capabilities of Linux, without `CAP_`, each once.
    pub capabilities: Vec<String>,
    /// Everything.
    pub privileged: bool,
    /// It has the network of its node.
    pub host_network: bool,
    /// It shares memory with everything on its node.
    pub host_ipc: bool,
    /// It sees the processes of its node.
    pub host_pid: bool,
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
