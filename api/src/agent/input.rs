//! What agents say.

use async_graphql::{Enum, InputObject};
use domain::run::RankReport;
use protocol::{ExitCause, RankExit};

use crate::scalar::Long;

/// An agent introduces itself.
#[derive(Debug, InputObject)]
pub(crate) struct RegisterAgentInput {
    /// Version of the protocol that the agent speaks.
    pub(super) protocol_version: i32,
    /// Which boot of its machine the agent lives in.
    pub(super) boot_id: String,
    /// Process number of the agent.
    pub(super) pid: i32,
    /// When the agent started, in clock ticks since the boot.
    pub(super) start_time: Long,
}

/// How a rank is.
#[derive(Debug, InputObject)]
pub(crate) struct ReportRankInput {
    /// Length of the log in bytes.
    log_end: Long,
    /// Whether the command was started.
    started: bool,
    /// How it ended, once it has.
    exit: Option<RankExitInput>,
}

/// How a rank ended.
#[derive(Debug, InputObject)]
pub(crate) struct RankExitInput {
    /// Why.
    cause: RankExitCause,
    /// Exit code of the command, if it exited.
    code: Option<i32>,
    /// Signal that killed the command, if one did.
    signal: Option<i32>,
    /// One sentence for the user, where the numbers do not say it.
    message: Option<String>,
}

/// Why a rank ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "RankExit")]
pub(crate) enum RankExitCause {
    /// The command ended by itself.
    Command,
    /// The agent ended it because it printed nothing for too long.
    Silence,
    /// The command could not be started.
    StartFailed,
    /// The agent ended it on an order.
    Stopped,
}

impl From<RankExitCause> for ExitCause {
    fn from(cause: RankExitCause) -> Self {
        match cause {
            RankExitCause::Command => Self::Command,
            RankExitCause::Silence => Self::Silence,
            RankExitCause::StartFailed => Self::StartFailed,
            RankExitCause::Stopped => Self::Stopped,
        }
    }
}

impl From<ReportRankInput> for RankReport {
    fn from(input: ReportRankInput) -> Self {
        Self {
            log_end: input.log_end.0,
            started: input.started,
            exit: input.exit.map(|exit| RankExit {
                cause: exit.cause.into(),
                code: exit.code,
                signal: exit.signal,
                message: exit.message,
            }),
        }
    }
}
