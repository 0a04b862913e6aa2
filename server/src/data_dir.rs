//! The directory with everything that must survive.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use domain::auth::agent_token::KeyRing;
use nix::unistd::Uid;
use rand::Rng;

use crate::directory;
use crate::environment::Environment;

/// The file with the signing keys.
const KEYS: &str = "keys.json";

/// The data directory of a platform.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// The directory that was asked for, or the usual one.
    ///
    /// Root's is not below its home, because the commands of other users must be able to pass through to their
    /// workspaces, and nobody may pass through `/root`.
    ///
    /// # Errors
    /// If none was asked for and there is no home.
    pub fn choose(asked: Option<PathBuf>, environment: &Environment, root: bool) -> Result<Self> {
        let path = match (asked, &environment.home) {
            (Some(path), _) => {
                std::path::absolute(path).context("the data directory has no path")?
            }
            (None, _) if root => PathBuf::from("/var/lib/hai-platform"),
            (None, Some(home)) => home.join(".local/share/hai-platform"),
            (None, None) => bail!("HOME is not set: say where the data is with --data-dir"),
        };
        Ok(Self { path })
    }

    /// The directory that was asked for, or the usual one, if there is a platform in it.
    ///
    /// # Errors
    /// If there is none.
    pub fn of_platform(asked: Option<PathBuf>, environment: &Environment) -> Result<Self> {
        let data_dir = Self::choose(asked, environment, Uid::effective().is_root())?;
        ensure!(
            data_dir.server_file().exists(),
            "there is no platform in {}: start one with `hai-platform up`",
            data_dir.path.display()
        );
        Ok(data_dir)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SQLite database.
    pub fn database(&self) -> PathBuf {
        self.path.join("platform.db")
    }

    /// The logs of all ranks.
    pub fn logs(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The packages for training code.
    pub fn python(&self) -> PathBuf {
        self.path.join("python")
    }

    /// The users' own directories.
    pub fn workspaces(&self) -> PathBuf {
        self.path.join("workspaces")
    }

    /// Which processes of the platform live, and where agents reach them.
    pub fn servers(&self) -> PathBuf {
        self.path.join("servers")
    }

    /// Where the server that started last can be reached.
    pub fn server_file(&self) -> PathBuf {
        self.path.join("server.json")
    }

    /// Makes the directory if it is not there. Others may pass through to what is theirs, and see nothing.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub fn prepare(&self) -> Result<()> {
        let shown = self.path.display();
        directory::make(&self.path, 0o711)
            .with_context(|| format!("the data directory {shown} cannot be made"))?;
        let probe = self.path.join(".writable");
        File::create(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .with_context(|| format!("the data directory {shown} cannot be written"))
    }

    /// The signing keys: those of the last start, or new ones.
    ///
    /// # Errors
    /// If the file cannot be read or made, or is damaged.
    pub fn keys(&self, random: &mut impl Rng) -> Result<KeyRing> {
        let path = self.keys_file();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} is damaged", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keys = KeyRing::generate(random);
                self.keep_keys(&keys)?;
                Ok(keys)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Replaces the signing keys: a server has them from its next start on.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_keys(&self, keys: &KeyRing) -> Result<()> {
        self.write(KEYS, &serde_json::to_vec(keys)?)
    }

    /// The file with the signing keys.
    pub(crate) fn keys_file(&self) -> PathBuf {
        self.path.join(KEYS)
    }

    /// Replaces a file as a whole; only the platform's own user can read it.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let fresh = self.path.join(format!("{name}.new"));
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }
}
