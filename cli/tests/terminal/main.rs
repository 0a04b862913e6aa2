//! The real binary, as a user runs it, against a server in this process that says what a test tells it to.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod accounts;
mod cluster;
mod completion;
mod follow;
mod login;
mod logs;
mod on_terminal;
mod orders;
mod platform;
mod program;
mod quotas;
mod search;
mod session;
mod shown;
mod simulate;
mod submit;
mod tasks;
mod top;
