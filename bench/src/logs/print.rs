//! The command of a task that does nothing but print, and costs as little as that can.

use std::io::{Write, stdout};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::clock::now;

/// Prints so many lines a second, each with the time at which it is printed, until nobody takes them any more.
pub(crate) fn print(per_second: u32) -> Result<()> {
    let pause = Duration::from_secs(1) / per_second;
    let mut next = Instant::now();
    let mut out = stdout().lock();
    loop {
        let line = format!("at {}\n", now().as_micros());
        out.write_all(line.as_bytes())?;
        out.flush()?;
        next += pause;
        sleep(next.saturating_duration_since(Instant::now()));
    }
}
