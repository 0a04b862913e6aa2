//! The commands: each asks, and prints what it is told. They contain no rendering and no rules.

mod completion;
mod context;
mod init;
mod list;
mod logs;
mod run;
mod simulate;
mod start;
mod status;
mod stop;
mod submit;
mod whoami;

pub(crate) use context::Context;
pub use start::{main, run};
