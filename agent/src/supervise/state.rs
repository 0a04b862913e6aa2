//! Where a rank is in its life.

use std::time::Duration;

use protocol::{ExitCause, RankExit, SuspendEnd};

use super::{Policy, suspend::Suspend};

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
    /// The command runs, and is to save and end.
    Suspending(Suspend),
    /// SIGTERM was sent; SIGKILL follows unless everything ends before.
    Stopping {
        /// What is known of the end.
        ending: Ending,
        /// When the grace is used up.
        kill_at: Duration,
    },
    /// SIGKILL was sent and is repeated until nothing is left.
    Killing {
        /// What is known of the end.
        ending: Ending,
        /// When to send it again.
        again_at: Duration,
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
            Self::Suspending(suspend) => Some(suspend.deadline(policy)),
            Self::Stopping { kill_at, .. } => Some(*kill_at),
            Self::Killing { again_at, .. } => Some(*again_at),
            Self::Reporting { give_up_at, .. } => Some(*give_up_at),
            Self::Waiting | Self::Recording { .. } | Self::Left => None,
        }
    }

    /// How the suspension is going; `None` if the command is not to suspend.
    pub(crate) fn suspend(&self) -> Option<SuspendEnd> {
        match self {
            Self::Suspending(suspend) => Some(suspend.end()),
            Self::Stopping { ending, .. } | Self::Killing { ending, .. } => ending.suspend,
            Self::Recording { exit } | Self::Reporting { exit, .. } => exit.suspend,
            Self::Waiting | Self::Running { .. } | Self::Left => None,
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

/// What is known of an end that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Why it ends.
    pub(crate) why: Why,
    /// How far a suspension had come, if one was under way.
    pub(crate) suspend: Option<SuspendEnd>,
    /// How the command ended, if it has; processes it started may be left then.
    pub(crate) ended: Option<CommandEnd>,
}

/// Why a rank ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The command ended by itself.
    Command,
    /// It was suspended.
    Suspended,
    /// The server ordered to stop.
    Stopped,
    /// The server said that the run is over.
    Over,
    /// Somebody told the agent to end.
    Terminated,
    /// The platform took it for dead.
    Fenced,
    /// Nobody could take it for dead any more.
    FenceMissing,
    /// Nothing was printed for this long.
    Silence {
        /// The limit.
        limit: Duration,
    },
}

impl Ending {
    /// An end without a suspension, of a command that still runs or never did.
    pub(super) fn new(why: Why) -> Self {
        Self {
            why,
            suspend: None,
            ended: None,
        }
    }

    /// The exit of a rank that ended like this.
    pub(super) fn exit(self) -> RankExit {
        let (code, signal) = match self.ended {
            Some(CommandEnd::Code(code)) => (Some(code), None),
            Some(CommandEnd::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        RankExit {
            cause: self.why.cause(),
            code,
            signal,
            message: self.message(),
            suspend: self.suspend,
        }
    }

    fn message(self) -> Option<String> {
        let sentence = match self.why {
            Why::Command | Why::Stopped => return None,
            Why::Suspended => match self.suspend {
                Some(suspend) if suspend.forced && suspend.acknowledged => {
                    "The command did not save and end in time.".to_owned()
                }
                Some(suspend) if suspend.forced => {
                    "The command took no notice of the order to suspend.".to_owned()
                }
                Some(_) | None => return None,
            },
            Why::Over => "The run is over.".to_owned(),
            Why::Terminated => "The agent was told to end (SIGTERM).".to_owned(),
            Why::Fenced => "The platform could not reach it, and has given it up.".to_owned(),
            Why::FenceMissing => "The directory of its log was removed.".to_owned(),
            Why::Silence { limit } => {
                let seconds = limit.as_secs();
                format!("The command printed nothing for {seconds} seconds.")
            }
        };
        Some(sentence)
    }
}

impl Why {
    fn cause(self) -> ExitCause {
        match self {
            Self::Command => ExitCause::Command,
            Self::Suspended => ExitCause::Suspended,
            Self::Stopped | Self::Over | Self::Terminated | Self::Fenced | Self::FenceMissing => {
                ExitCause::Stopped
            }
            Self::Silence { .. } => ExitCause::Silence,
        }
    }
}
