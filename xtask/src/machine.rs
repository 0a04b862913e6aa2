//! What the tests need of this machine beside Rust and a C compiler: finding it, or installing it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::geteuid;

/// The programs of a PostgreSQL server that we start; Debian keeps them out of `PATH`.
const SERVER_PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// The oldest version of Node.js with which the clients of the tests run.
const OLDEST_NODE: u32 = 20;

/// Where Debian and Ubuntu put the servers: one folder per major version.
const DEBIAN_SERVERS: &str = "/usr/lib/postgresql";

/// Installs the packages in `$@`. Debian would create a database cluster and start it at every boot; nobody asked for
/// one, so that is switched off between the package that brings the switch and the package that looks at it. The Redis
/// that it starts is stopped again.
const INSTALL_SCRIPT: &str = r#"
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update
for package in "$@"; do
    if [ "$package" = postgresql ]; then
        apt-get install -y --no-install-recommends postgresql-common
        sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
done
apt-get install -y --no-install-recommends "$@"
for package in "$@"; do
    if [ "$package" = redis-server ]; then
        systemctl disable --now redis-server 2>/dev/null || service redis-server stop || true
    fi
done
"#;

/// The programs of this machine that the tests use.
pub(crate) struct Machine {
    /// Folder with [`SERVER_PROGRAMS`].
    pub(crate) postgres: PathBuf,
    /// The Redis server.
    pub(crate) redis: PathBuf,
    /// Python 3.
    pub(crate) python: PathBuf,
    /// Every version of it that training code may have here.
    pub(crate) pythons: Vec<PathBuf>,
    /// Node.js.
    pub(crate) node: PathBuf,
    /// Its package manager.
    pub(crate) npm: PathBuf,
}

/// The shells that complete the words of `hai-cli`, beside bash, which every Debian has; their tests start them by name.
const SHELLS: [&str; 2] = ["zsh", "fish"];

/// What breaks more where we are root: the package and a program of it.
const CHAOS: [(&str, &str); 3] = [
    ("iproute2", "ip"),
    ("iptables", "iptables"),
    ("faketime", "faketime"),
];

impl Machine {
    /// Finds everything. What is missing is installed if `install`; else the error holds the line that installs it.
    pub(crate) fn prepare(install: bool) -> Result<Self> {
        let machine = Self::find_or_install(install)?;
        check_node(&machine.node)?;
        Ok(machine)
    }

    fn find_or_install(install: bool) -> Result<Self> {
        let missing = match Self::find() {
            Ok(machine) => return Ok(machine),
            Err(missing) => missing,
        };
        let packages = missing.join(" ");
        if !install {
            bail!(
                "this machine lacks {packages}; install it with\n\n    \
                 sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}\n\n\
                 (or add --install), then try again"
            );
        }
        install_packages(&missing)?;
        Self::find().map_err(|still| {
            let still = still.join(" ");
            anyhow::anyhow!("apt installed {packages}, yet this machine lacks {still}")
        })
    }

    /// The machine, or the Debian packages it lacks.
    fn find() -> Result<Self, Vec<&'static str>> {
        let mut missing = Vec::new();
        let mut found = |package, program: Option<PathBuf>| {
            if program.is_none() {
                missing.push(package);
            }
            program.unwrap_or_default()
        };
        let python = found("python3", in_path("python3"));
        let machine = Self {
            postgres: found("postgresql", postgres_server()),
            redis: found("redis-server", in_path("redis-server")),
            pythons: pythons(&python),
            python,
            node: found("nodejs", in_path("node")),
            npm: found("npm", in_path("npm")),
        };
        if geteuid().is_root() {
            for (package, program) in CHAOS {
                found(package, in_path(program));
            }
        }
        for shell in SHELLS {
            found(shell, in_path(shell));
        }
        if missing.is_empty() {
            Ok(machine)
        } else {
            Err(missing)
        }
    }
}

/// The folder of a complete PostgreSQL server: the one in `PATH`, else the newest that Debian installed.
fn postgres_server() -> Option<PathBuf> {
    let chosen = in_path("initdb").and_then(|program| folder_of(&program));
    let installed = newest_version(Path::new(DEBIAN_SERVERS)).map(|version| version.join("bin"));
    chosen.into_iter().chain(installed).find(|folder| {
        SERVER_PROGRAMS
            .iter()
            .all(|program| folder.join(program).is_file())
    })
}

/// The folder that really holds `program`, which may be a link.
fn folder_of(program: &Path) -> Option<PathBuf> {
    Some(fs::canonicalize(program).ok()?.parent()?.to_path_buf())
}

/// The subfolder with the greatest number as its name.
fn newest_version(folder: &Path) -> Option<PathBuf> {
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let entries = fs::read_dir(folder).ok()?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| version(path).is_some())
        .max_by_key(version)
}

/// The interpreters in `PATH` of the versions that `python/` supports, each once; `usual` is the first.
fn pythons(usual: &Path) -> Vec<PathBuf> {
    let others = (8..=20).filter_map(|minor| in_path(&format!("python3.{minor}")));
    let mut versions = BTreeSet::new();
    let mut found = Vec::new();
    for python in [usual.to_owned()].into_iter().chain(others) {
        // A name in `PATH` may be a shim for a version that is switched off: then it says nothing.
        if let Some(version) = python_version(&python)
            && versions.insert(version)
        {
            found.push(python);
        }
    }
    found
}

fn python_version(python: &Path) -> Option<String> {
    let output = Command::new(python).arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && version.starts_with("Python 3")).then_some(version)
}

/// Debian has older versions of Node.js too, so no package helps here.
fn check_node(node: &Path) -> Result<()> {
    let output = Command::new(node)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", node.display()))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.trim_end();
    ensure!(
        node_major(version).is_some_and(|major| major >= OLDEST_NODE),
        "the tests need Node.js {OLDEST_NODE} or later, and {} says {version:?}: put a newer one first in PATH",
        node.display()
    );
    Ok(())
}

/// The 20 of `v20.11.1`.
fn node_major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Asks the shell where `program` is.
fn in_path(program: &str) -> Option<PathBuf> {
    let output = Command::new("sh")
        .args(["-c", "command -v -- \"$1\"", "sh", program])
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(path.trim_end()))
}

/// Installs Debian packages, through `sudo` unless we are root.
fn install_packages(packages: &[&str]) -> Result<()> {
    ensure!(
        in_path("apt-get").is_some(),
        "this machine has no apt-get: install what Debian calls {} with its own package manager",
        packages.join(" ")
    );
    let mut command = if geteuid().is_root() {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("sh");
        sudo
    };
    let status = command
        .args(["-c", INSTALL_SCRIPT, "install"])
        .args(packages)
        .stdin(Stdio::null())
        .status()
        .context("cannot run apt-get")?;
    ensure!(
        status.success(),
        "apt-get could not install {} ({status})",
        packages.join(" ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node_is_read() {
        assert_eq!(node_major("v20.11.1"), Some(20));
        assert_eq!(node_major("v18.0.0-nightly"), Some(18));
        for other in ["", "20.1.0", "v", "vx.1"] {
            assert_eq!(node_major(other), None, "{other}");
        }
    }
}
