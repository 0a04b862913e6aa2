//! What agents say.

use async_graphql::{Enum, InputObject};
use domain::run::{PodSuspend, RankReport};
use protocol::{ExitCause, RankExit, SuspendEnd};

use crate::scalar::Long;
use crate::task::Priority;

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
    /// How far it came with giving way, if it was asked to or asked for it itself.
    suspend: Option<RankSuspendInput>,
    /// How it ended, once it has.
    exit: Option<RankExitInput>,
}

/// How far a rank came with giving way.
#[derive(Debug, InputObject)]
pub(crate) struct RankSuspendInput {
    /// The command has taken notice.
    received: bool,
    /// The command has said that it may be ended.
    ready: bool,
}

/// What came of giving way, when a rank has ended.
#[derive(Debug, InputObject)]
pub(crate) struct SuspendEndInput {
    /// The command took notice.
    acknowledged: bool,
    /// The command said that it may be ended.
    ready: bool,
    /// The command used up its time, and the agent ended it.
    forced: bool,
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
    /// What came of giving way, if that was under way.
    suspend: Option<SuspendEndInput>,
}

/// A number that training code keeps for the next run of its task.
#[derive(Debug, InputObject)]
pub(crate) struct SetTaskLifeStateInput {
    /// The number, at least 0.
    pub(super) state: i32,
}

/// The priority that training code wants for its task.
#[derive(Debug, InputObject)]
pub(crate) struct SetTaskPriorityInput {
    /// The priority.
    pub(super) priority: Priority,
    /// The place among the owner's own tasks; left as it is without one.
    pub(super) custom_rank: Option<f64>,
}

/// What training code says about its failure.
#[derive(Debug, InputObject)]
pub(crate) struct ReportTaskFailureInput {
    /// Whether the hardware is good.
    pub(super) hardware_ok: bool,
    /// Why it fails, in a sentence of at most 1000 characters.
    pub(super) message: String,
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
    /// It ended while it was to give way, or asked for that itself.
    Suspended,
    /// The agent ended it on an order.
    Stopped,
}

impl From<RankExitCause> for ExitCause {
    fn from(cause: RankExitCause) -> Self {
        match cause {
            RankExitCause::Command => Self::Command,
            RankExitCause::Silence => Self::Silence,
            RankExitCause::StartFailed => Self::StartFailed,
            RankExitCause::Suspended => Self::Suspended,
            RankExitCause::Stopped => Self::Stopped,
        }
    }
}

impl From<ReportRankInput> for RankReport {
    fn from(input: ReportRankInput) -> Self {
        Self {
            log_end: input.log_end.0,
            started: input.started,
            suspend: input.suspend.and_then(came_to),
            exit: input.exit.map(|exit| RankExit {
                cause: exit.cause.into(),
                code: exit.code,
                signal: exit.signal,
                message: exit.message,
                suspend: exit.suspend.map(|end| SuspendEnd {
                    acknowledged: end.acknowledged,
                    ready: end.ready,
                    forced: end.forced,
                }),
            }),
        }
    }
}

fn came_to(suspend: RankSuspendInput) -> Option<PodSuspend> {
    if suspend.ready {
        Some(PodSuspend::Ready)
    } else {
        suspend.received.then_some(PodSuspend::Received)
    }
}
