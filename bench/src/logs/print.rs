//! The command of a task that does nothing but print, and costs as little as that can.

use std::io::{Write, stdout};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::clock::now;

/// Prints so many lines a second, so many at once, each with the time at which it is printed, until nobody takes them any
/// more.
#[expect(
    clippy::disallowed_methods,
    reason = "its pace is what it is for, and a runtime would cost more than the printing"
)]
pub(crate) fn print(per_second: u32, burst: u32) -> Result<()> {
    let period = Duration::from_secs(1) * burst / per_second;
    let mut due = Instant::now();
    loop {
        let line = format!("at {}\n", now().as_micros());
        let lines = line.repeat(usize::try_from(burst)?);
        stdout().write_all(lines.as_bytes())?;
        stdout().flush()?;
        due += period;
        sleep(due.saturating_duration_since(Instant::now()));
    }
}
