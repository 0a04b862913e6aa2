//! The runtime of one machine: ranks are processes, nodes are names.
//!
//! ```text
//! <data_dir>/run/<task>/<run>/<rank>/    launch.json token spawned.json process.json exit.json agent.log   (0711)
//! <workspaces>/<user>/                   the user's own directory                                        (0700)
//! ```
//!
//! The truth about a rank is these files and the processes whose environment names its directory; nothing of it is
//! kept in memory. An agent is not a part of the server: it has its own session and outlives it.

mod config;
mod directory;
mod inspect;
mod kill;
mod machine;
mod mount;
mod ports;
mod process;
mod ranks;
mod runtime;
mod start;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use config::LocalConfig;
pub use runtime::LocalRuntime;
