//! Logs: how fast a line comes to those who follow it, and how fast a place or a pattern is found in a long one.
//!
//! The lines that are followed are printed by real tasks through real agents, which share all cores with the server. Sixty
//! logs of fifty lines a second have a thousand followers, two hundred of them on one. A thousand such tasks do not fit on
//! a small machine even without a server: `--logs 1000 --burst 10` has them print ten lines at once, five times a second.
//! Before that ten quiet logs have one follower each. The long log is written as an agent writes it, then read through the
//! API.

mod follow;
mod long;
mod print;

use anyhow::Result;

pub(crate) use self::print::print;
use crate::site::Ground;

/// Measures on SQLite, with so many logs that are followed, each of so many lines at once.
pub(crate) async fn run(ground: &Ground, n_logs: usize, burst: u32) -> Result<()> {
    follow::run(ground, n_logs, burst).await?;
    long::run(ground).await
}
