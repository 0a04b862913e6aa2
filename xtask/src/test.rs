//! The one test command: build once, then every ring on SQLite, on PostgreSQL, in Python, and with what others have made.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::chaos;
use crate::foreign;
use crate::machine::Machine;
use crate::manifests;
use crate::postgres::{Durability, Postgres};
use crate::redis::Redis;
use crate::summary::Summary;

/// Address of the database the tests use. Without it each test makes itself a SQLite file.
pub(crate) const DATABASE_VARIABLE: &str = "HAI_TEST_DATABASE";

/// Folder of PostgreSQL's programs, for tests that start servers of their own.
pub(crate) const PROGRAMS_VARIABLE: &str = "HAI_TEST_POSTGRES";
/// Address of the Redis the tests use, without the number of a database: each test that needs one of its own adds it.
pub(crate) const REDIS_VARIABLE: &str = "HAI_TEST_REDIS";

/// File that leads to a cluster which the suite for any cluster runs on. Without it that runs on the double.
pub(crate) const CLUSTER_VARIABLE: &str = "HAI_TEST_KUBECONFIG";

/// Packages whose tests touch a database: they run once more, on PostgreSQL.
const DATABASE_PACKAGES: [&str; 3] = ["domain", "server", "tests"];

/// Folders with Python tests.
const PYTHON_FOLDERS: [&str; 2] = ["examples/charlm", PACKAGE];

/// The folder whose tests every version of Python runs: training code brings its own.
const PACKAGE: &str = "python";

/// A built test program.
pub(crate) struct Program {
    /// Folder of its package; `cargo test` runs it there, and so do we.
    pub(crate) package: PathBuf,
    pub(crate) target: String,
    pub(crate) executable: PathBuf,
}

/// Runs every test and prints the summary. `arguments` go to the Rust test programs; with any, other languages are left out.
pub(crate) fn run(root: &Path, machine: &Machine, arguments: &[OsString]) -> ExitCode {
    let mut summary = Summary::default();
    all_steps(&mut summary, root, machine, arguments);
    eprintln!("\n{summary}");
    summary.exit_code()
}

/// Runs the suite for any cluster on the one that a file leads to. `arguments` go to the test program.
///
/// # Errors
/// If no file is named, or it is not there.
pub(crate) fn run_on_cluster(
    root: &Path,
    kubeconfig: Option<&Path>,
    arguments: &[OsString],
) -> Result<ExitCode> {
    let file = kubeconfig.filter(|file| !file.as_os_str().is_empty());
    let file = file.with_context(|| {
        format!(
            "it is not said which cluster: `{CLUSTER_VARIABLE}=FILE cargo xtask test --cluster`"
        )
    })?;
    // The tests run in another folder.
    let file = fs::canonicalize(file).with_context(|| format!("cannot find {}", file.display()))?;
    let status = Command::new("cargo")
        .args(["test", "-p", "k8s", "--test", "cluster_suite", "--"])
        .args(arguments)
        .env(CLUSTER_VARIABLE, file)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A failed build makes the rest pointless; any other failure does not hide the steps after it.
fn all_steps(summary: &mut Summary, root: &Path, machine: &Machine, arguments: &[OsString]) {
    let Some(programs) = summary.step("build", || build(root)) else {
        return;
    };
    summary.step("tests on SQLite", || {
        let redis = Redis::start(&machine.redis)?;
        test_on_sqlite(root, machine, &redis, arguments)
    });
    summary.step("tests on PostgreSQL", || {
        let postgres = Postgres::start(&machine.postgres, Durability::None)?;
        let redis = Redis::start(&machine.redis)?;
        test_on_postgres(root, &programs, machine, (&postgres, &redis), arguments)
    });
    if !arguments.is_empty() {
        return;
    }
    summary.step("faults", || {
        let program = built(&programs, "hai-chaos")?;
        let folder = program.parent().context("it is in a folder")?;
        chaos::test(folder, machine)
    });
    for folder in PYTHON_FOLDERS {
        let pythons = match folder {
            PACKAGE => machine.pythons.as_slice(),
            _ => std::slice::from_ref(&machine.python),
        };
        for python in pythons {
            let name = format!("Python tests in {folder}, {}", python.display());
            summary.step(&name, || test_python(&root.join(folder), python));
        }
    }
    summary.step("objects for a cluster", || {
        manifests::test(root, &machine.python)
    });
    summary.step("clients from npm", || {
        let program = built(&programs, "hai-platform")?;
        foreign::test(&root.join("tests/foreign"), machine, &program)
    });
}

/// A program that was built beside the test programs.
fn built(programs: &[Program], name: &str) -> Result<PathBuf> {
    let folder = programs
        .first()
        .and_then(|program| program.executable.ancestors().nth(2))
        .context("no test program was built")?;
    Ok(folder.join(name))
}

/// Builds what users start and what tests run in one go: a second selection of packages or targets would have other
/// features and would compile half the dependencies again. Returns the test programs.
pub(crate) fn build(root: &Path) -> Result<Vec<Program>> {
    let mut cargo = Command::new("cargo")
        .args(["build", "--workspace", "--bins", "--tests", "--examples"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let messages = cargo.stdout.take().context("cargo has no output")?;
    let mut programs = Vec::new();
    for line in BufReader::new(messages).lines() {
        let message = serde_json::from_str(&line?).context("cannot understand cargo")?;
        programs.extend(test_program(&message));
    }
    let status = cargo.wait()?;
    ensure!(status.success(), "the build failed");
    Ok(programs)
}

/// The test program that a message of cargo announces, if it does.
fn test_program(message: &Value) -> Option<Program> {
    let is_test = message["profile"]["test"].as_bool()?;
    let executable = message["executable"].as_str()?;
    let manifest = Path::new(message["manifest_path"].as_str()?);
    is_test.then_some(Program {
        package: manifest.parent()?.to_path_buf(),
        target: message["target"]["name"].as_str()?.to_owned(),
        executable: PathBuf::from(executable),
    })
}

fn test_on_sqlite(
    root: &Path,
    machine: &Machine,
    redis: &Redis,
    arguments: &[OsString],
) -> Result<()> {
    let status = Command::new("cargo")
        .args(["test", "--workspace", "--no-fail-fast", "--"])
        .args(arguments)
        .env_remove(DATABASE_VARIABLE)
        .env_remove(CLUSTER_VARIABLE)
        .env(REDIS_VARIABLE, redis.url())
        .env(PROGRAMS_VARIABLE, &machine.postgres)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "tests failed");
    Ok(())
}

/// Runs the programs themselves: to ask cargo for some packages only would build them with other features.
fn test_on_postgres(
    root: &Path,
    programs: &[Program],
    machine: &Machine,
    (postgres, redis): (&Postgres, &Redis),
    arguments: &[OsString],
) -> Result<()> {
    let mut failed = Vec::new();
    for package in DATABASE_PACKAGES.map(|name| root.join(name)) {
        let mut found = programs
            .iter()
            .filter(|program| program.package == package)
            .peekable();
        ensure!(
            found.peek().is_some(),
            "no test program in {}",
            package.display()
        );
        for program in found {
            eprintln!("\n     Running {} of {}", program.target, package.display());
            let status = Command::new(&program.executable)
                .args(arguments)
                .env(DATABASE_VARIABLE, postgres.url())
                .env(REDIS_VARIABLE, redis.url())
                .env(PROGRAMS_VARIABLE, &machine.postgres)
                .env("CARGO_MANIFEST_DIR", &package)
                .current_dir(&package)
                .status()
                .with_context(|| format!("cannot run {}", program.executable.display()))?;
            if !status.success() {
                failed.push(program.target.as_str());
            }
        }
    }
    ensure!(failed.is_empty(), "tests failed in {}", failed.join(", "));
    Ok(())
}

fn test_python(folder: &Path, python: &Path) -> Result<()> {
    let status = Command::new(python)
        .args(["-m", "unittest", "discover"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder)
        .status()
        .with_context(|| format!("cannot run {}", python.display()))?;
    ensure!(status.success(), "tests failed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{run_on_cluster, test_program};

    #[test]
    fn who_does_not_say_which_cluster_hears_how_to_say_it() {
        for nothing in [None, Some("".as_ref())] {
            let error = run_on_cluster("/".as_ref(), nothing, &[]).unwrap_err();
            let line = "`HAI_TEST_KUBECONFIG=FILE cargo xtask test --cluster`";
            assert!(error.to_string().contains(line), "{error}");
        }
    }

    #[test]
    fn a_built_test_is_found_with_the_folder_of_its_package() {
        let program = test_program(&json!({
            "reason": "compiler-artifact",
            "manifest_path": "/w/domain/Cargo.toml",
            "target": { "name": "domain", "kind": ["lib"] },
            "profile": { "test": true },
            "executable": "/t/debug/deps/domain-1",
        }))
        .unwrap();
        assert_eq!(program.package.to_str(), Some("/w/domain"));
        assert_eq!(program.executable.to_str(), Some("/t/debug/deps/domain-1"));
    }

    #[test]
    fn what_is_not_a_test_program_is_passed_over() {
        let binary = json!({
            "manifest_path": "/w/server/Cargo.toml",
            "target": { "name": "hai-platform" },
            "profile": { "test": false },
            "executable": "/t/debug/hai-platform",
        });
        let library = json!({
            "manifest_path": "/w/domain/Cargo.toml",
            "target": { "name": "domain" },
            "profile": { "test": false },
            "executable": null,
        });
        let end = json!({ "reason": "build-finished", "success": true });
        for message in [binary, library, end] {
            assert!(test_program(&message).is_none(), "{message}");
        }
    }
}
