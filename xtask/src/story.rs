//! The story of `tests/it/story` with many seeds, on SQLite and on PostgreSQL.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::machine::Machine;
use crate::postgres::{Durability, Postgres};
use crate::summary::Summary;
use crate::test::{DATABASE_VARIABLE, Program, build};

/// Which seeds the test takes, as `1..=20`.
const SEEDS_VARIABLE: &str = "HAI_STORY_SEEDS";

/// Tells the story quietly and with the seeds from 1 on, and prints a line per seed.
pub(crate) fn run(root: &Path, machine: &Machine, seeds: u32) -> ExitCode {
    let mut summary = Summary::default();
    if let Some(programs) = summary.step("build", || build(root)) {
        summary.step("the story on SQLite", || tell(root, &programs, seeds, None));
        summary.step("the story on PostgreSQL", || {
            let postgres = Postgres::start(&machine.postgres, Durability::None)?;
            tell(root, &programs, seeds, Some(&postgres))
        });
    }
    eprintln!("\n{summary}");
    summary.exit_code()
}

fn tell(root: &Path, programs: &[Program], seeds: u32, database: Option<&Postgres>) -> Result<()> {
    let package = root.join("tests");
    let program = programs
        .iter()
        .find(|program| program.package == package && program.target == "it")
        .context("the whole-system tests were not built")?;
    let mut command = Command::new(&program.executable);
    command
        // One after the other, with what each says: a line per seed.
        .args(["story::", "--test-threads=1", "--nocapture"])
        .env(SEEDS_VARIABLE, format!("1..={seeds}"))
        .env("CARGO_MANIFEST_DIR", &package)
        .current_dir(&package);
    match database {
        Some(postgres) => command.env(DATABASE_VARIABLE, postgres.url()),
        None => command.env_remove(DATABASE_VARIABLE),
    };
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", program.executable.display()))?;
    ensure!(status.success(), "the story has another end");
    Ok(())
}
