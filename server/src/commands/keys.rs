//! `keys`: the keys with which the platform signs.

use anyhow::{Result, ensure};
use nix::unistd::Uid;
use rand::rngs::StdRng;

use crate::args::{DataDirArgs, KeysCommand};
use crate::data_dir::DataDir;
use crate::environment::Environment;

/// Changes the keys and prints their names, never the keys.
pub(super) fn keys(command: KeysCommand, environment: &Environment) -> Result<()> {
    let mut random: StdRng = rand::make_rng();
    match command {
        KeysCommand::Rotate { data } => {
            let data_dir = of_platform(data, environment)?;
            let mut keys = data_dir.keys(&mut random)?;
            keys.rotate(&mut random);
            data_dir.keep_keys(&keys)?;
            for (name, signs) in keys.names() {
                println!("{name} {}", if signs { "signs" } else { "verifies" });
            }
        }
        KeysCommand::Drop { key, data } => {
            let data_dir = of_platform(data, environment)?;
            let mut keys = data_dir.keys(&mut random)?;
            keys.forget(&key)?;
            data_dir.keep_keys(&keys)?;
        }
    }
    eprintln!("A server that runs goes on with the keys it has until it is started again.");
    Ok(())
}

fn of_platform(data: DataDirArgs, environment: &Environment) -> Result<DataDir> {
    let data_dir = DataDir::choose(data.data_dir, environment, Uid::effective().is_root())?;
    ensure!(
        data_dir.server_file().exists(),
        "there is no platform in {}: start one with `hai-platform up`",
        data_dir.path().display()
    );
    Ok(data_dir)
}
