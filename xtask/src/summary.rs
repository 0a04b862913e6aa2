//! What was done, how long it took, and whether it worked: one line per step.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The steps so far, in order.
#[derive(Default)]
pub(crate) struct Summary {
    steps: Vec<Step>,
}

struct Step {
    name: String,
    took: Duration,
    succeeded: bool,
}

impl Summary {
    /// Does one step and records how it went. A failure is told at once; the steps after it may still be done.
    pub(crate) fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        eprintln!("\n── {name}");
        let start = Instant::now();
        let result = work()
            .inspect_err(|error| eprintln!("{name}: {error:#}"))
            .ok();
        self.steps.push(Step {
            name: name.to_owned(),
            took: start.elapsed(),
            succeeded: result.is_some(),
        });
        result
    }

    /// Success if every step succeeded.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.steps.iter().all(|step| step.succeeded) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step {
            name,
            took,
            succeeded,
        } in &self.steps
        {
            let word = if *succeeded { "ok" } else { "FAILED" };
            writeln!(f, "{word:<6} {:>7.1} s  {name}", took.as_secs_f64())?;
        }
        Ok(())
    }
}
