//! What the server, the runtimes and the agents say to each other: plain types, no behaviour.
//!
//! A runtime writes one [`Launch`] per rank and starts the agent with its path. The agent asks the server for
//! [`Order`]s, reports [`RankExit`] and, before it reports, leaves an [`ExitRecord`] in the rank's directory, so that
//! the end of a rank is known even if the server was away.

mod launch;
mod rank;

pub use launch::{Command, Identity, Launch, LogLimits, ServerFile};
pub use rank::{Desired, ExitCause, ExitRecord, Order, ProcessId, RankExit};

/// Version of everything in this crate. The server accepts this one and the one before.
pub const PROTOCOL_VERSION: u32 = 1;

/// Environment variable that every process of a rank carries. Its value is the rank's directory; strays of a dead
/// agent are found by it in `/proc`.
pub const RANK_DIR_VAR: &str = "HAI_RANK_DIR";

/// Name of the [`Launch`] file in a rank's directory.
pub const LAUNCH_FILE: &str = "launch.json";

/// Name of the [`ExitRecord`] file in a rank's directory.
pub const EXIT_FILE: &str = "exit.json";

/// Name of the file with the agent's own [`ProcessId`] in a rank's directory.
pub const PROCESS_FILE: &str = "process.json";
