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
    /// Run the user's command. After [`Desired::Suspend`]: the suspension is withdrawn.
    Run,
    /// Let the user's command save and end, within [`Order::suspend`], then as for [`Desired::Stop`].
    Suspend,
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
    /// How long the command has before SIGTERM; present with [`Desired::Suspend`].
    #[serde(default)]
    pub suspend: Option<SuspendOrder>,
}

impl Order {
    /// The order to leave at once.
    pub const OVER: Self = Self {
        desired: Desired::Over,
        grace_ms: 0,
        suspend: None,
    };
}

/// The patience with a command that is to save and end. Durations in milliseconds from when the agent first hears the
/// order, so that the agent carries the suspension through while the server is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuspendOrder {
    /// Within this rank 0 has to take notice.
    pub acknowledge_ms: u32,
    /// How long rank 0 may go on without a sign of progress, once it has taken notice.
    pub progress_ms: u32,
    /// Within this rank 0 has to be done, whatever progress it makes.
    pub budget_ms: u32,
}

impl Default for SuspendOrder {
    fn default() -> Self {
        Self {
            acknowledge_ms: 5_000,
            progress_ms: 5_000,
            budget_ms: 60_000,
        }
    }
}

/// Why a rank ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExitCause {
    /// The user's command ended by itself.
    Command,
    /// The agent ended it on an order.
    Stopped,
    /// It ended while it was to be suspended, by itself or not, whatever the exit code; or it asked for a suspension.
    Suspended,
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
    /// What came of the suspension, if one was under way when the rank ended: always with
    /// [`ExitCause::Suspended`], and where a stop overtook it.
    #[serde(default)]
    pub suspend: Option<SuspendEnd>,
}

/// What came of a suspension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuspendEnd {
    /// The command took notice.
    pub acknowledged: bool,
    /// The command said that it may be ended (`go_suspend`).
    pub ready: bool,
    /// The command used up its time, and the agent sent SIGTERM.
    pub forced: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_version_1_wrote_can_be_read() {
        let record = r#"{"protocol_version":1,"log_end":5,
            "exit":{"cause":"STOPPED","code":null,"signal":15,"message":null}}"#;
        let record: ExitRecord = serde_json::from_str(record).unwrap();
        assert_eq!(
            (record.exit.cause, record.exit.suspend),
            (ExitCause::Stopped, None)
        );
        let order: Order = serde_json::from_str(r#"{"desired":"STOP","graceMs":5}"#).unwrap();
        assert_eq!((order.desired, order.suspend), (Desired::Stop, None));
    }

    #[test]
    fn an_order_to_suspend_is_what_the_schema_says() {
        let order = r#"{"desired":"SUSPEND","graceMs":5,
            "suspend":{"acknowledgeMs":5000,"progressMs":5000,"budgetMs":60000}}"#;
        let order: Order = serde_json::from_str(order).unwrap();
        assert_eq!(order.desired, Desired::Suspend);
        assert_eq!(order.suspend, Some(SuspendOrder::default()));
    }
}
