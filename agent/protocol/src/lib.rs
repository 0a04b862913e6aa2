//! What the server, the runtimes and the agents say to each other: plain types, no behaviour.
//!
//! A runtime writes one [`Launch`] per rank and starts the agent with its path. The agent asks the server for
//! [`Order`]s, reports [`RankExit`] and, before it reports, leaves an [`ExitRecord`] in the rank's directory, so that
//! the end of a rank is known even if the server was away.

use std::time::Duration;

mod launch;
mod part;
mod rank;

pub use launch::{Command, Identity, Launch, LogLimits, ServerFile};
pub use part::{RankPart, join, split};
pub use rank::{
    Desired, ExitCause, ExitRecord, Order, ProcessId, RankExit, SuspendEnd, SuspendOrder,
};

/// Version of everything in this crate. The server accepts this one and the one before.
pub const PROTOCOL_VERSION: u32 = 2;

/// Environment variable that every process of a rank carries. Its value is the rank's directory; strays of a dead
/// agent are found by it in `/proc`.
pub const RANK_DIR_VAR: &str = "HAI_RANK_DIR";

/// Name of the [`Launch`] file in a rank's directory.
pub const LAUNCH_FILE: &str = "launch.json";

/// Name of the [`ExitRecord`] file in a rank's directory.
pub const EXIT_FILE: &str = "exit.json";

/// Name of the file with the agent's own [`ProcessId`] in a rank's directory.
pub const PROCESS_FILE: &str = "process.json";

/// Name of the file in a rank's log directory that fences it off: as soon as something is in it, nothing of the rank may go on.
/// It is for ranks that cannot be reached otherwise, by a storage that they share with the platform, which makes the file before
/// it starts the rank, and never replaces it or takes anything out of it.
pub const FENCE_FILE: &str = "fence";

/// How often agents look into it.
pub const FENCE_PERIOD: Duration = Duration::from_secs(1);

/// Environment variable with the directory through which a command and its agent talk.
pub const CONTROL_DIR_VAR: &str = "HAI_CONTROL_DIR";

/// Name of that directory in a rank's directory. It belongs to the command's user and is closed to others.
pub const CONTROL_DIR: &str = "control";

/// Name of the file in the control directory whose only byte is `1` while the command is to suspend, else `0`. It is
/// made before the command starts and never replaced: commands map it.
pub const SUSPEND_FILE: &str = "suspend";

/// Name of the Unix socket in the control directory that takes calls of the command: one JSON object a line.
pub const SOCKET_FILE: &str = "agent.sock";
