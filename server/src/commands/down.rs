//! `down`: stops the server of a data directory.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use crate::args::DataDirArgs;
use crate::data_dir::DataDir;
use crate::environment::Environment;

/// Asks the server to stop and waits until it has.
pub(super) fn down(args: DataDirArgs, environment: &Environment) -> Result<()> {
    let data_dir = DataDir::choose(args.data_dir, environment, Uid::effective().is_root())?;
    let shown = data_dir.path().display().to_string();
    let Some(pid) = data_dir.holder()? else {
        println!("No server runs on {shown}.");
        return Ok(());
    };
    kill(Pid::from_raw(pid), Signal::SIGTERM)
        .with_context(|| format!("the server of {shown} (process {pid}) cannot be stopped"))?;
    data_dir.wait_until_free()?;
    println!("Stopped the server of {shown}. Running tasks go on.");
    Ok(())
}
