//! `keys`: the keys with which the platform signs.

use anyhow::Result;
use rand::rngs::StdRng;

use crate::args::KeysCommand;
use crate::data_dir::DataDir;
use crate::environment::Environment;

/// Changes the keys and prints their names, never the keys.
pub(super) fn keys(command: KeysCommand, environment: &Environment) -> Result<()> {
    let mut random: StdRng = rand::make_rng();
    match command {
        KeysCommand::Rotate { data } => {
            let data_dir = DataDir::of_platform(data.data_dir, environment)?;
            let mut keys = data_dir.keys(&mut random)?;
            keys.rotate(&mut random);
            data_dir.keep_keys(&keys)?;
            for (name, signs) in keys.names() {
                println!("{name} {}", if signs { "signs" } else { "verifies" });
            }
        }
        KeysCommand::Drop { key, data } => {
            let data_dir = DataDir::of_platform(data.data_dir, environment)?;
            let mut keys = data_dir.keys(&mut random)?;
            keys.forget(&key)?;
            data_dir.keep_keys(&keys)?;
        }
    }
    eprintln!("A server that runs goes on with the keys it has until it is started again.");
    Ok(())
}
