//! Runs the tests with live clients of others, which are installed from npm outside of the repository.

use std::env::home_dir;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use anyhow::{Context, Result, ensure};

use crate::machine::Machine;

/// What names the packages and their exact versions.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

/// Runs the tests in `folder` against the server `program`.
pub(crate) fn test(folder: &Path, machine: &Machine, program: &Path) -> Result<()> {
    let installed = install(folder, &machine.npm)?;
    let status = Command::new(&machine.node)
        .arg("--test")
        .env("HAI_PLATFORM", program)
        // Whatever is asked for is looked up beside this file.
        .env("HAI_NODE_MODULES", installed.join(MANIFESTS[0]))
        .current_dir(folder)
        .status()
        .with_context(|| format!("cannot run {}", machine.node.display()))?;
    ensure!(status.success(), "tests failed");
    Ok(())
}

/// The folder where the packages are. It is made once for each set of versions, and appears only when it is complete.
fn install(folder: &Path, npm: &Path) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    for name in MANIFESTS {
        let path = folder.join(name);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.hash(&mut hasher);
    }
    let cache = home_dir()
        .context("there is no home directory")?
        .join(".cache/hai-platform-npm");
    let installed = cache.join(format!("{:016x}", hasher.finish()));
    if installed.is_dir() {
        return Ok(installed);
    }
    let begun = cache.join(format!("begun-{}", id()));
    fs::create_dir_all(&begun)?;
    for name in MANIFESTS {
        fs::copy(folder.join(name), begun.join(name))?;
    }
    let done = fetch(&begun, npm).and_then(|()| match fs::rename(&begun, &installed) {
        // Another test run may have been faster; its folder is as good.
        Err(error) if !installed.is_dir() => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    });
    if begun.is_dir() {
        fs::remove_dir_all(&begun)?;
    }
    done?;
    Ok(installed)
}

fn fetch(folder: &Path, npm: &Path) -> Result<()> {
    let status = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .status()
        .with_context(|| format!("cannot run {}", npm.display()))?;
    ensure!(status.success(), "npm could not install the clients");
    Ok(())
}
