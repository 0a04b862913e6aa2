//! `down`: stops the server of a data directory.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use crate::args::DataDirArgs;
use crate::data_dir::DataDir;
use crate::environment::Environment;
use crate::seat;

/// Asks all processes of the platform on this directory to stop and waits until they have.
pub(super) fn down(args: DataDirArgs, environment: &Environment) -> Result<()> {
    let data_dir = DataDir::choose(args.data_dir, environment, Uid::effective().is_root())?;
    let shown = data_dir.path().display();
    let pids = seat::taken(&data_dir)?;
    if pids.is_empty() {
        println!("No server runs on {shown}.");
        return Ok(());
    }
    for pid in pids {
        let number =
            i32::try_from(pid).context("a process has a number that Linux does not give")?;
        kill(Pid::from_raw(number), Signal::SIGTERM)
            .with_context(|| format!("the server of {shown} (process {pid}) cannot be stopped"))?;
    }
    seat::wait_until_free(&data_dir)?;
    println!("Stopped the server of {shown}. Running tasks go on.");
    Ok(())
}
