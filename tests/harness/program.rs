//! The real programs, as they were built with the tests.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::within;

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Output {
    /// Exit code; absent if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// The path of `hai-platform`, `hai-cli` or `hai-agent` beside the tests' own program.
///
/// # Errors
/// If it was not built: `cargo xtask test` builds it.
pub fn program(name: &str) -> Result<PathBuf> {
    let tests = std::env::current_exe().context("the tests' own path is known")?;
    let dir = tests
        .ancestors()
        .nth(2)
        .context("tests are in target/<profile>/deps")?;
    let path = dir.join(name);
    anyhow::ensure!(
        path.exists(),
        "{} is not built: run `cargo build --workspace --bins` or `cargo xtask test`",
        path.display()
    );
    Ok(path)
}

/// Runs a program to its end in a clean environment with these variables.
///
/// # Errors
/// If it cannot be started or does not end.
pub async fn run(name: &str, words: &[&str], variables: &[(&str, &str)]) -> Result<Output> {
    let mut command = command(name)?;
    command.args(words).envs(variables.iter().copied());
    output_of(command).await
}

/// Runs a line in a shell whose home is `home` and that finds the programs in `tools`. Answers what a terminal would show.
///
/// # Errors
/// If it cannot be started or does not end.
pub async fn shell(line: &str, home: &Path, tools: &Path) -> Result<String> {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec 2>&1; {line}")])
        .env_clear()
        .env(
            "PATH",
            format!("{}:/usr/local/bin:/usr/bin:/bin", tools.display()),
        )
        .env("HOME", home)
        .current_dir(home)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(output_of(command).await?.stdout)
}

/// A program in a clean environment, which dies with the test.
pub(crate) fn command(name: &str) -> Result<Command> {
    let mut command = Command::new(program(name)?);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// Runs a command to its end.
pub(crate) async fn output_of(mut command: Command) -> Result<Output> {
    let output = within(command.output())
        .await
        .with_context(|| format!("{command:?} does not end"))?
        .with_context(|| format!("{command:?} cannot be started"))?;
    Ok(Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
