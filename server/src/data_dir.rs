//! The directory with everything that must survive: one server at a time may have it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use domain::auth::agent_token::KeyRing;
use protocol::ServerFile;
use rand::Rng;

use crate::environment::Environment;

/// The data directory of a platform.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
}

/// Held while a server has the directory; the system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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

    /// The users' own directories.
    pub fn workspaces(&self) -> PathBuf {
        self.path.join("workspaces")
    }

    /// Where the server can be reached, for agents and for `down`.
    pub fn server_file(&self) -> PathBuf {
        self.path.join("server.json")
    }

    /// Makes the directory if it is not there. Others may pass through to what is theirs, and see nothing.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub fn prepare(&self) -> Result<()> {
        let shown = self.path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&self.path)
            .with_context(|| format!("the data directory {shown} cannot be made"))?;
        let probe = self.path.join(".writable");
        File::create(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .with_context(|| format!("the data directory {shown} cannot be written"))
    }

    /// Takes the directory for this process.
    ///
    /// # Errors
    /// If another server has it.
    pub fn lock(&self) -> Result<Lock> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "a server already runs on {}: stop it with `hai-platform down --data-dir {}` or choose another --data-dir",
                self.path.display(),
                self.path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", self.path.display()))
            }
        }
    }

    /// Waits until no server has the directory. Blocks.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn wait_until_free(&self) -> Result<()> {
        self.lock_file()?
            .lock()
            .with_context(|| format!("{} cannot be locked", self.path.display()))
    }

    /// Whether a server has the directory.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn is_taken(&self) -> Result<bool> {
        if !self.path.join("lock").exists() {
            return Ok(false);
        }
        match self.lock_file()?.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", self.path.display()))
            }
        }
    }

    fn lock_file(&self) -> Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.join("lock"))
            .with_context(|| format!("{} cannot be locked", self.path.display()))
    }

    /// The signing keys: those of the last start, or new ones.
    ///
    /// # Errors
    /// If the file cannot be read or made, or is damaged.
    pub fn keys(&self, random: &mut impl Rng) -> Result<KeyRing> {
        let path = self.path.join("keys.json");
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} is damaged", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keys = KeyRing::generate(random);
                self.write("keys.json", &serde_json::to_vec(&keys)?)?;
                Ok(keys)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Says where the server can be reached.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn announce(&self, server: &ServerFile) -> Result<()> {
        self.write("server.json", &serde_json::to_vec(server)?)
    }

    /// Where the server was last reached.
    ///
    /// # Errors
    /// If no server was ever started on this directory.
    pub fn announced(&self) -> Result<ServerFile> {
        let path = self.server_file();
        let text = fs::read(&path)
            .with_context(|| format!("no server was ever started on {}", self.path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Replaces a file as a whole; only the platform's own user can read it.
    fn write(&self, name: &str, content: &[u8]) -> Result<()> {
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
