//! Where a rank is in its life.

use std::time::Duration;

use protocol::{ExitCause, RankExit};

use super::Policy;

/// State of a rank. Times are on the same monotone scale as the `now` of [`super::step`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// At the start gate; no user code ran.
    Waiting,
    /// The command runs.
    Running {
        /// When it last printed something, or started.
        quiet_since: Duration,
    },
    /// SIGTERM was sent; SIGKILL follows unless everything ends before.
    Stopping {
        /// Why it ends.
        why: Why,
        /// When the grace is used up.
        kill_at: Duration,
        /// How the command ended, if it has; processes it started are left then.
        ended: Option<CommandEnd>,
    },
    /// SIGKILL was sent and is repeated until nothing is left.
    Killing {
        /// Why it ends.
        why: Why,
        /// When to send it again.
        again_at: Duration,
        /// How the command ended, if it has.
        ended: Option<CommandEnd>,
    },
    /// Nothing is left; the exit is being written.
    Recording {
        /// How the rank ended.
        exit: RankExit,
    },
    /// The server has to learn the exit.
    Reporting {
        /// How the rank ended.
        exit: RankExit,
        /// When waiting for the server ends.
        give_up_at: Duration,
        /// Whether the exit record is on disk.
        recorded: bool,
    },
    /// The agent ends.
    Left,
}

impl State {
    /// The time at which [`super::Event::Tick`] would change something.
    pub(crate) fn deadline(&self, policy: &Policy) -> Option<Duration> {
        match self {
            Self::Running { quiet_since } => policy.silence.map(|limit| *quiet_since + limit),
            Self::Stopping { kill_at, .. } => Some(*kill_at),
            Self::Killing { again_at, .. } => Some(*again_at),
            Self::Reporting { give_up_at, .. } => Some(*give_up_at),
            Self::Waiting | Self::Recording { .. } | Self::Left => None,
        }
    }
}

/// How the user's command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandEnd {
    /// It exited with a code.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
}

/// Why a rank ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The command ended by itself.
    Command,
    /// The server ordered to stop.
    Stopped,
    /// The server said that the run is over.
    Over,
    /// Somebody told the agent to end.
    Terminated,
    /// Nothing was printed for this long.
    Silence {
        /// The limit.
        limit: Duration,
    },
}

impl Why {
    /// The exit of a rank whose command ended like this, or never started.
    pub(super) fn exit(self, ended: Option<CommandEnd>) -> RankExit {
        let (cause, message) = match self {
            Self::Command => (ExitCause::Command, None),
            Self::Stopped => (ExitCause::Stopped, None),
            Self::Over => (ExitCause::Stopped, Some("The run is over.".to_owned())),
            Self::Terminated => (
                ExitCause::Stopped,
                Some("The agent was told to end (SIGTERM).".to_owned()),
            ),
            Self::Silence { limit } => {
                let seconds = limit.as_secs();
                let message = format!("The command printed nothing for {seconds} seconds.");
                (ExitCause::Silence, Some(message))
            }
        };
        let (code, signal) = match ended {
            Some(CommandEnd::Code(code)) => (Some(code), None),
            Some(CommandEnd::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        RankExit {
            cause,
            code,
            signal,
            message,
        }
    }
}
