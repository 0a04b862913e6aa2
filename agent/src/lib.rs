//! Who runs it: the supervisor of one rank.
//!
//! A runtime starts one agent per rank with a launch file. The agent waits at the start gate, runs the user's command,
//! keeps its log, ends it on order, and leaves a record of the end. It outlives the server.
//!
//! ```text
//!             orders                    decisions                  acts
//!  server ──▶ server ──▶ rank ──event──▶ supervise ──action──▶ rank ──▶ child, process, log, record
//!         ◀── status ◀──  │ ◀── signals, output, deadlines, calls of the command (control)
//! ```

#[cfg(not(target_os = "linux"))]
compile_error!("the agent runs on Linux only: it needs /proc and the child subreaper");

mod child;
mod control;
mod fence;
mod install;
mod log;
mod process;
mod rank;
mod record;
mod run;
mod server;
mod supervise;

pub use run::{Args, run};
