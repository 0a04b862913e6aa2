//! Logs: how fast a line comes to those who follow it, and how fast a place or a pattern is found in a long one.
//!
//! The lines that are followed are printed by real tasks through real agents, which share all cores with the server: a
//! thousand of those do not fit beside it on a small machine, so sixty logs of fifty lines a second have a thousand
//! followers, two hundred of them on one. The long log is written as an agent writes it, then read through the API.

mod follow;
mod long;

use anyhow::Result;

use crate::site::Ground;

/// Measures on SQLite.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    follow::run(ground).await?;
    long::run(ground).await
}
