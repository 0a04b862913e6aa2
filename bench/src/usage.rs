//! How busy a process is: a load that is out of breath itself measures nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The kernel counts in hundredths of a second, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// A process from a moment on.
pub(crate) struct Usage {
    pid: u32,
    begun: Instant,
    used: Duration,
}

impl Usage {
    /// Of a process, from now on.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        Ok(Self {
            pid,
            begun: Instant::now(),
            used: used(pid)?,
        })
    }

    /// How many percent of one core it has used since.
    pub(crate) fn percent(&self) -> Result<f64> {
        let used = used(self.pid)?.saturating_sub(self.used);
        Ok(100.0 * used.div_duration_f64(self.begun.elapsed()))
    }
}

/// The time of processors that a process has used.
fn used(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, which may have spaces, is in parentheses.
    let (_, rest) = stat.rsplit_once(')').context("a process has a name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| -> Result<u32> { Ok(fields.get(index).context("a time")?.parse()?) };
    Ok(TICK * (ticks(11)? + ticks(12)?))
}
