//! What private servers of the tests have in common: a directory and an account of their own.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::unistd::{User, geteuid, mkdtemp};

/// An empty directory that only `account` can enter.
pub(crate) fn create_home(template: &str, account: Option<&User>) -> Result<PathBuf> {
    let home = mkdtemp(template).context("cannot create a directory in /tmp")?;
    if let Some(User { name, uid, gid, .. }) = account {
        chown(&home, Some(uid.as_raw()), Some(gid.as_raw()))
            .with_context(|| format!("cannot give {} to {name}", home.display()))?;
    }
    Ok(home)
}

/// Whom the server runs as: nobody in particular unless we are root.
pub(crate) fn unprivileged_account(names: &[&str]) -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    for name in names {
        if let Some(user) =
            User::from_name(name).context("cannot read the accounts of this machine")?
        {
            return Ok(Some(user));
        }
    }
    anyhow::bail!(
        "a server of the tests does not run as root, and this machine has no account {}",
        names.join(" or ")
    )
}

/// A command in a clean environment, so that no variable of the caller, such as `PG…`, changes what it does.
pub(crate) fn command(program: &Path, account: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// Runs a command to its end; if it fails, the error holds what it said.
pub(crate) fn succeed(command: &mut Command, name: &str) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{name} failed ({}): {}",
        output.status,
        said.trim_end()
    );
    Ok(())
}
