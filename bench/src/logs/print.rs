//! The command of a task that does nothing but print, and costs as little as that can.

use std::io::{Write, stdout};
use std::time::Duration;

use anyhow::Result;
use tokio::time::interval;

use crate::clock::now;

/// Prints so many lines a second, each with the time at which it is printed, until nobody takes them any more.
pub(crate) async fn print(per_second: u32) -> Result<()> {
    let mut pace = interval(Duration::from_secs(1) / per_second);
    loop {
        pace.tick().await;
        let line = format!("at {}\n", now().as_micros());
        stdout().write_all(line.as_bytes())?;
        stdout().flush()?;
    }
}
