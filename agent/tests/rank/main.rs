//! Real agents with real processes, against a server on a loopback socket that does what the test says.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod control;
mod end;
mod fence;
mod fixture;
mod link;
mod log;
mod server;
mod start;
mod suspend;
