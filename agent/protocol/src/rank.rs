//! What is said about one rank while it lives and when it ends.

use serde::{Deserialize, Serialize};

/// A process of this machine that cannot be mistaken for a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// `/proc/sys/kernel/random/boot_id` when the process started.
    pub boot_id: String,
    /// Process number.
    pub pid: i32,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks from boot to the start of the process.
    pub start_time: u64,
}

/// What the platform wants of a rank. A state, not an event: it may be repeated and may skip steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Desired {
    /// Hold at the start gate: the user's command must not run yet.
    Wait,
    /// Run the user's command.
    Run,
    /// End it: SIGTERM, then SIGKILL after [`Order::grace_ms`].
    Stop,
    /// The run is over or unknown: kill everything at once and leave.
    Over,
}

/// An order to a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// What is wanted.
    pub desired: Desired,
    /// Milliseconds between SIGTERM and SIGKILL, counted from when the agent hears it. A duration, because the
    /// clocks of agent and server may differ.
    pub grace_ms: u32,
}

/// Why a rank ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExitCause {
    /// The user's command ended by itself.
    Command,
    /// The agent ended it on an order.
    Stopped,
    /// The agent ended it because it printed nothing for too long.
    Silence,
    /// The user's command could not be started.
    StartFailed,
}

/// How a rank ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RankExit {
    /// Why.
    pub cause: ExitCause,
    /// Exit code of the user's command, if it exited.
    pub code: Option<i32>,
    /// Signal that killed the user's command, if one did.
    pub signal: Option<i32>,
    /// One sentence for the user where the numbers do not say it.
    pub message: Option<String>,
}

/// The end of a rank as left in its directory, written before it is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// [`crate::PROTOCOL_VERSION`] of the writer.
    pub protocol_version: u32,
    /// How it ended.
    pub exit: RankExit,
    /// Logical length of the rank's log in bytes.
    pub log_end: u64,
}
