//! The directory with everything that must survive: one server at a time may have it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use domain::auth::agent_token::KeyRing;
use nix::unistd::Uid;
use protocol::ServerFile;
use rand::Rng;

use crate::directory;
use crate::environment::Environment;

/// The data directory of a platform.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
}

/// Held while a server has the directory; the system gives it back when the process ends, however it ends. The locked
/// file holds the process number.
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

    /// Where the server can be reached, for agents.
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

    /// Takes the directory for this process.
    ///
    /// # Errors
    /// If another server has it.
    pub fn lock(&self) -> Result<Lock> {
        let mut file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)
                    .and_then(|()| write!(file, "{}", std::process::id()))
                    .with_context(|| format!("{} cannot be written", self.path.display()))?;
                Ok(Lock { _file: file })
            }
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

    /// Number of the process that has the directory, if a server runs.
    ///
    /// # Errors
    /// If the file system refuses, or the server has taken the directory this very moment and not yet said who it is.
    pub fn holder(&self) -> Result<Option<i32>> {
        if !self.path.join("lock").exists() {
            return Ok(None);
        }
        let mut file = self.lock_file()?;
        // The lock says whether a server runs; the number alone does not, because numbers are used again.
        match file.try_lock() {
            Ok(()) => return Ok(None),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error)
                    .with_context(|| format!("{} cannot be locked", self.path.display()));
            }
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .with_context(|| format!("{} cannot be read", self.path.display()))?;
        // Zero and negative numbers would stand for groups of processes.
        match text.parse() {
            Ok(pid) if pid > 0 => Ok(Some(pid)),
            _ => bail!(
                "a server is just starting on {}: try again",
                self.path.display()
            ),
        }
    }

    fn lock_file(&self) -> Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
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
        self.write("keys.json", &serde_json::to_vec(keys)?)
    }

    /// Says where the server can be reached.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn announce(&self, server: &ServerFile) -> Result<()> {
        self.write("server.json", &serde_json::to_vec(server)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn data_dir(path: &Path) -> DataDir {
        DataDir::choose(Some(path.to_owned()), &Environment::default(), false).unwrap()
    }

    #[test]
    fn the_holder_is_whoever_has_the_lock_not_who_had_it_before() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        assert_eq!(data_dir.holder().unwrap(), None);
        fs::write(dir.path().join("lock"), "12345678901").unwrap();
        assert_eq!(data_dir.holder().unwrap(), None);
        let lock = data_dir.lock().unwrap();
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(data_dir.holder().unwrap(), Some(me));
        drop(lock);
        assert_eq!(data_dir.holder().unwrap(), None);
    }

    #[test]
    fn a_lock_without_a_usable_number_names_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        let _lock = data_dir.lock().unwrap();
        for text in ["", "0", "-1", "me"] {
            fs::write(dir.path().join("lock"), text).unwrap();
            assert!(data_dir.holder().is_err(), "{text:?}");
        }
    }

    #[test]
    fn one_server_at_a_time_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        let _lock = data_dir.lock().unwrap();
        let error = data_dir.lock().unwrap_err().to_string();
        assert!(error.contains("a server already runs on"), "{error}");
    }
}
