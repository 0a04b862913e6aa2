//! The generated attack on the API (`api/src/fuzz`) with very many requests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::test::{DATABASE_VARIABLE, build};

/// How many requests the test sends.
const REQUESTS_VARIABLE: &str = "HAI_FUZZ_REQUESTS";

/// Builds the tests and sends so many requests, on SQLite.
pub(crate) fn run(root: &Path, requests: u32) -> Result<()> {
    let programs = build(root)?;
    let package = root.join("api");
    let program = programs
        .iter()
        .find(|program| program.package == package && program.target == "api")
        .context("the tests of the API were not built")?;
    let status = Command::new(&program.executable)
        .args(["fuzz::", "--nocapture"])
        .env(REQUESTS_VARIABLE, requests.to_string())
        .env_remove(DATABASE_VARIABLE)
        .current_dir(&package)
        .status()
        .with_context(|| format!("cannot run {}", program.executable.display()))?;
    ensure!(status.success(), "an answer is not as it should be");
    Ok(())
}
