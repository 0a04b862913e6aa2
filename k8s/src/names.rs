//! What objects are called, and what is found inside a pod.

use domain::runtime::{RankKey, RunKey};

/// The service by which ranks find each other.
pub(crate) const SERVICE: &str = "hai-ranks";
/// The policy about who may speak with ranks.
pub(crate) const POLICY: &str = "hai-ranks";
/// The container of the user's command.
pub(crate) const CONTAINER: &str = "rank";
/// The container that brings the agent.
pub(crate) const AGENT: &str = "agent";
/// The port of rank 0 by which the ranks of a run meet: every pod has an address of its own.
pub(crate) const MASTER_PORT: u16 = 2223;

/// In the Secret: what the ranks of a run have in common.
pub(crate) const COMMON: &str = "launch.json";
/// In the Secret: where the server is.
pub(crate) const SERVER: &str = "server.json";

/// Paths inside a pod.
pub(crate) mod path {
    /// The directory of the agent: its program, what it is started with, and the files of the rank.
    pub(crate) const HOME: &str = "/hai";
    /// The agent.
    pub(crate) const AGENT: &str = "/hai/bin/hai-agent";
    /// What the rank is started with.
    pub(crate) const LAUNCH: &str = "/hai/launch.json";
    /// Where the server is.
    pub(crate) const SERVER: &str = "/hai/server.json";
    /// With what the agent shows who it is.
    pub(crate) const TOKEN: &str = "/hai/token";
    /// The rank's own directory.
    pub(crate) const RANK: &str = "/hai/rank";
    /// Where the agent leaves its last word for the kubelet.
    pub(crate) const LAST_WORD: &str = "/dev/termination-log";
    /// Where the init container finds what is in the Secret for its rank.
    pub(crate) const SECRET: &str = "/hai-secret";
}

/// The Secret of a run.
pub(crate) fn secret(run: &RunKey) -> String {
    format!("hai-{run}")
}

/// The pod of a rank, also its name in the network.
pub(crate) fn pod(rank: &RankKey) -> String {
    format!("hai-{rank}")
}

/// The service of those ports of a rank that are reached by a port of every node; beside it, one of the pod's own name has those
/// that are reached by a path.
pub(crate) fn node_ports(rank: &RankKey) -> String {
    format!("hai-{rank}-ports")
}

/// The rank whose pod has this name, if it is one of ours.
pub(crate) fn rank(pod: &str) -> Option<RankKey> {
    let mut numbers = pod.strip_prefix("hai-")?.split('-');
    let rank = RankKey {
        task: numbers.next()?.parse().ok()?,
        run: numbers.next()?.parse().ok()?,
        rank: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(rank)
}

/// In the Secret: what one rank has for itself.
pub(crate) fn part(rank: u32) -> String {
    format!("rank-{rank}.json")
}
