//! Debian packages of a program that ours is compared with: there while benchmarks run, and gone after them.
//!
//! A **keeper**, a shell in a process group of its own, installs them, waits for the end of a pipe that only we hold
//! open, then removes what it has installed and nothing else. The kernel closes the pipe even if we are killed.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::unistd::geteuid;

/// A line of its output says that the packages are there. What apt says goes to people.
const KEEPER_SCRIPT: &str = r#"
set -u
# If nobody hears that it is ready, it goes on to the end all the same.
trap '' PIPE
export DEBIAN_FRONTEND=noninteractive
installed() { dpkg-query -W -f '${db:Status-Status} ${Package}:${Architecture}\n' | sed -n 's/^installed //p' | sort; }
before=$(mktemp)
installed >"$before"
apt-get update -q >&2 </dev/null && apt-get install -qy --no-install-recommends "$@" >&2 </dev/null
failed=$?
# Only these: others may install something in the meantime.
added=$(installed | comm -13 "$before" -)
rm "$before"
if [ $failed = 0 ]; then
    echo ready
    read -r _
fi
[ -z "$added" ] || apt-get purge -qy $added >&2 </dev/null
"#;

/// The packages of a peer; dropping it removes those that it has installed.
pub(crate) struct Peer {
    /// None if everything was there already.
    keeper: Option<Child>,
}

impl Peer {
    /// Installs these packages, or those of them that this machine lacks.
    ///
    /// # Errors
    /// If we may not, or apt cannot: the error holds the line that installs them.
    pub(crate) fn install(packages: &[&str]) -> Result<Self> {
        if packages.iter().all(|package| is_installed(package)) {
            return Ok(Self { keeper: None });
        }
        ensure!(
            geteuid().is_root(),
            "only root can install what this is compared with; {}",
            advice(packages)
        );
        let mut keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER_SCRIPT, "keeper"])
            .args(packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot run a shell")?;
        let mut said = String::new();
        let stdout = keeper.stdout.take().context("its output is a pipe")?;
        let peer = Self {
            keeper: Some(keeper),
        };
        BufReader::new(stdout).read_line(&mut said)?;
        ensure!(
            said == "ready\n",
            "apt-get cannot install what this is compared with; {}",
            advice(packages)
        );
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let Some(keeper) = &mut self.keeper else {
            return;
        };
        drop(keeper.stdin.take());
        if let Err(error) = keeper.wait() {
            eprintln!("cannot wait until the packages are removed: {error}");
        }
    }
}

fn is_installed(package: &str) -> bool {
    let output = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output();
    output.is_ok_and(|output| output.stdout == b"installed")
}

fn advice(packages: &[&str]) -> String {
    format!(
        "install it yourself with\n\n    \
         sudo apt-get update && sudo apt-get install -y --no-install-recommends {}\n\n\
         then try again",
        packages.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_peer_installs_nothing() {
        assert!(Peer::install(&[]).unwrap().keeper.is_none());
    }

    #[test]
    fn who_cannot_install_is_told_the_line() {
        let package = "hai-there-is-no-such-package";
        assert!(!is_installed(package));
        assert!(
            advice(&[package]).contains("apt-get install -y --no-install-recommends hai-there")
        );
    }
}
