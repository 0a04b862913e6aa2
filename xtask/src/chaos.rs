//! What breaks: `hai-chaos` with many faults, or a few of them as a test.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::bench;
use crate::machine::Machine;

/// How much is broken.
#[derive(Debug, Clone, Copy)]
struct Measure {
    faults: u32,
    operations: u32,
    users: u32,
    /// Longest time between two operations of a user, in milliseconds.
    pause: u32,
}

/// A history that a checker can find something in.
const LONG: Measure = Measure {
    faults: 216,
    operations: 100_000,
    users: 16,
    pause: 700,
};
/// Each kind of fault three times.
const SHORT: Measure = Measure {
    faults: 54,
    operations: 20_000,
    ..LONG
};
/// A part of the test command, with programs that are not optimized.
const TEST: Measure = Measure {
    faults: 9,
    operations: 300,
    users: 3,
    pause: 500,
};

/// Breaks a cluster of optimized programs by the plan of a seed, and prints the report.
///
/// # Errors
/// If something was broken for good.
pub(crate) fn run(root: &Path, machine: &Machine, seed: u64, short: bool) -> Result<()> {
    let programs = bench::build(root)?;
    let measure = if short { SHORT } else { LONG };
    break_it(&programs, machine, seed, measure)
}

/// Breaks a cluster of the programs in a folder a little.
///
/// # Errors
/// If something was broken for good.
pub(crate) fn test(programs: &Path, machine: &Machine) -> Result<()> {
    break_it(programs, machine, 1, TEST)
}

fn break_it(programs: &Path, machine: &Machine, seed: u64, measure: Measure) -> Result<()> {
    let status = Command::new(programs.join("hai-chaos"))
        .arg("--server")
        .arg(programs.join("hai-platform"))
        .arg("--postgres")
        .arg(&machine.postgres)
        .args(["--seed", &seed.to_string()])
        .args(["--faults", &measure.faults.to_string()])
        .args(["--operations", &measure.operations.to_string()])
        .args(["--users", &measure.users.to_string()])
        .args(["--pause", &measure.pause.to_string()])
        .status()
        .context("cannot run hai-chaos")?;
    ensure!(
        status.success(),
        "seed {seed} has broken something for good"
    );
    Ok(())
}
