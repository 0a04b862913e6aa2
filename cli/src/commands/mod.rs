//! The commands: each asks, and prints what it is told. They contain no rendering and no rules.

mod completion;
mod context;
mod describe;
mod explain;
mod init;
mod list;
mod log_start;
mod logs;
mod node;
mod nodes;
mod order;
mod quota;
mod run;
mod search;
mod simulate;
mod start;
mod status;
mod submit;
mod token;
mod top;
mod user;
mod whoami;

pub(crate) use context::Context;
pub use start::{main, run};
