//! Compares the objects that the platform brings into a cluster with the schemas of the API, as Kubernetes publishes them.

use std::env::home_dir;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::private;

/// Folders of `deploy/` with objects.
const FOLDERS: [&str; 3] = ["base", "components", "overlays"];
/// Of another kind than the API has.
const NOT_OF_THE_API: &str = "kustomization.yaml";
/// What must be refused, or nothing is.
const WRONG: &str = "deploy/schema/wrong.yaml";
/// What is installed to compare, with a digest of every file.
const REQUIREMENTS: &str = "deploy/schema/requirements.txt";
/// The objects of a run, as tests show them.
const SNAPSHOTS: &str = "k8s/src/object/snapshots";

/// Writes `deploy/` anew; the arguments go to the generator.
pub(crate) fn write(root: &Path, arguments: &[std::ffi::OsString]) -> Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--package", "deploy", "--"])
        .args(arguments)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the files were not written");
    Ok(())
}

/// Compares the files in `deploy/`, and the objects of a run.
pub(crate) fn test(root: &Path, python: &Path) -> Result<()> {
    let validator = Validator {
        python: install(&root.join(REQUIREMENTS), python)?,
        versions: versions(root)?,
    };
    let wrong = validator.judge(&[root.join(WRONG)], 1);
    ensure!(
        wrong.is_err(),
        "{WRONG} is not refused: what is wrong is not found"
    );
    let files = files(root)?;
    let n_objects = count(&files)?;
    ensure!(n_objects > 0, "there is nothing in deploy/");
    validator.judge(&files, n_objects)?;
    let of_runs = objects_of_runs(&root.join(SNAPSHOTS))?;
    ensure!(!of_runs.is_empty(), "there is nothing in {SNAPSHOTS}");
    let folder = private::create_home("/tmp/hai-objects-XXXXXX", None)?;
    let file = folder.join("runs.yaml");
    let judged = fs::write(&file, of_runs.join("---\n"))
        .map_err(Into::into)
        .and_then(|()| validator.judge(&[file], of_runs.len()));
    fs::remove_dir_all(folder)?;
    judged?;
    let all = n_objects + of_runs.len();
    eprintln!(
        "{all} objects fit Kubernetes {}",
        validator.versions.join(" and ")
    );
    Ok(())
}

/// What knows the schemas.
struct Validator {
    python: PathBuf,
    versions: Vec<String>,
}

impl Validator {
    /// Whether all of these objects have only what the API knows. What it has no schema for counts as wrong.
    fn judge(&self, files: &[PathBuf], n_objects: usize) -> Result<()> {
        let mut command = Command::new(&self.python);
        command.args(["-m", "kubernetes_validate", "--strict"]);
        for version in &self.versions {
            command.args(["-k", version]);
        }
        let output = command
            .args(files)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .with_context(|| format!("cannot run {}", self.python.display()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        let problems = problems(&said);
        ensure!(
            output.status.success() && problems.is_empty(),
            "{}{complaint}",
            problems.join("\n")
        );
        let n_looked_at = said.lines().count();
        let n_expected = n_objects * self.versions.len();
        ensure!(
            n_looked_at == n_expected,
            "{n_looked_at} objects were looked at, {n_expected} are there"
        );
        Ok(())
    }
}

/// The lines that do not say that an object is as it should be.
fn problems(said: &str) -> Vec<&str> {
    let is_fine = |line: &&str| line.starts_with("INFO ") && line.contains(" passed for ");
    said.lines().filter(|line| !is_fine(line)).collect()
}

/// The oldest and the newest version of Kubernetes that are supported, as `deploy/Cargo.toml` says.
fn versions(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cannot run cargo")?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let deploy = { packages }.find(|package| package["name"] == "deploy");
    let deploy = deploy.context("there is no package deploy")?;
    let version = |which: &str| {
        let version = deploy["metadata"]["kubernetes"][which].as_str();
        let version = version.with_context(|| format!("deploy/Cargo.toml says no {which}"));
        version.map(str::to_owned)
    };
    Ok(vec![version("oldest")?, version("newest")?])
}

fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = FOLDERS.map(|name| root.join("deploy").join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let is_yaml = path.extension().is_some_and(|it| it == "yaml");
            if path.is_dir() {
                folders.push(path);
            } else if is_yaml && !path.ends_with(NOT_OF_THE_API) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn count(files: &[PathBuf]) -> Result<usize> {
    let mut n_objects = 0;
    for path in files {
        let text = fs::read_to_string(path)?;
        n_objects += text
            .lines()
            .filter(|line| line.starts_with("kind: "))
            .count();
    }
    Ok(n_objects)
}

fn objects_of_runs(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        found.extend(objects(&fs::read_to_string(entry?.path())?));
    }
    Ok(found)
}

/// The objects in a snapshot, which begins with a head and may have other things behind them.
fn objects(snapshot: &str) -> Vec<String> {
    let parts = snapshot.split("---\n");
    let is_object = |part: &&str| part.starts_with("apiVersion: ");
    parts.filter(is_object).map(str::to_owned).collect()
}

/// The Python with everything in `requirements`. It is made once for each set of versions, and appears only when it is
/// complete.
fn install(requirements: &Path, python: &Path) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    let shown = requirements.display();
    let text = fs::read(requirements).with_context(|| format!("cannot read {shown}"))?;
    text.hash(&mut hasher);
    let version = Command::new(python).arg("--version").output();
    let version = version.with_context(|| format!("cannot run {}", python.display()))?;
    version.stdout.hash(&mut hasher);
    let cache = home_dir()
        .context("there is no home directory")?
        .join(".cache/hai-platform-python");
    let installed = cache.join(format!("{:016x}", hasher.finish()));
    let program = installed.join("bin/python");
    if program.exists() {
        return Ok(program);
    }
    let begun = cache.join(format!("begun-{}", id()));
    fs::create_dir_all(&cache)?;
    let done = fetch(&begun, requirements, python).and_then(|()| {
        match fs::rename(&begun, &installed) {
            // Another test run may have been faster; what it has made is as good.
            Err(error) if !program.exists() => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    });
    if begun.is_dir() {
        fs::remove_dir_all(&begun)?;
    }
    done?;
    Ok(program)
}

fn fetch(folder: &Path, requirements: &Path, python: &Path) -> Result<()> {
    let made = Command::new(python)
        .args(["-m", "venv"])
        .arg(folder)
        .status()
        .with_context(|| format!("cannot run {}", python.display()))?;
    ensure!(
        made.success(),
        "Python makes no environment; install what it lacks with\n\n    \
         sudo apt-get update && sudo apt-get install -y --no-install-recommends python3-venv\n"
    );
    let fetched = Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--require-hashes"])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(requirements)
        .status()
        .context("cannot run pip")?;
    ensure!(
        fetched.success(),
        "pip could not install what compares objects"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_said_to_be_fine_is_a_problem() {
        let fine = "INFO a.yaml passed for resource pod/a against version 1.37";
        let warned = "WARN a.yaml Couldn't find schema for kind Pot";
        let wrong = "ERROR a.yaml did not validate for resource pod/a";
        let said = [fine, warned, fine, wrong].join("\n");
        assert_eq!(problems(&said), [warned, wrong]);
    }

    #[test]
    fn of_a_snapshot_only_objects_are_taken() {
        let pod = "apiVersion: v1\nkind: Pod\n";
        let snapshot =
            format!("---\nsource: a.rs\nexpression: yaml\n---\n{pod}---\n{pod}---\n- - server\n");
        assert_eq!(objects(&snapshot), [pod, pod]);
    }
}
