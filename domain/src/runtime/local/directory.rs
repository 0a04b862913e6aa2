//! The directory of one rank and the files in it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use protocol::{EXIT_FILE, ExitRecord, LAUNCH_FILE, Launch, PROCESS_FILE, ProcessId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::runtime::ownership::create_passable;

/// Who was spawned: left by the runtime, as the agent may die before it leaves its own [`PROCESS_FILE`].
const SPAWNED_FILE: &str = "spawned.json";
const TOKEN_FILE: &str = "token";
const AGENT_LOG: &str = "agent.log";
/// Held while the rank is changed.
pub(super) const LOCK_FILE: &str = "changing.lock";

/// The directory of one rank. It need not exist.
#[derive(Debug, Clone)]
pub(super) struct RankDir {
    path: PathBuf,
}

impl RankDir {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn launch_file(&self) -> PathBuf {
        self.path.join(LAUNCH_FILE)
    }

    pub(super) fn token_file(&self) -> PathBuf {
        self.path.join(TOKEN_FILE)
    }

    /// Makes the directory. Others may pass through to the control directory of their own command, and see nothing.
    pub(super) fn create(&self) -> io::Result<()> {
        create_passable(&self.path)
    }

    /// Removes the directory with all that is in it.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    pub(super) fn write_launch(&self, launch: &Launch) -> io::Result<()> {
        self.write_json(LAUNCH_FILE, launch)
    }

    pub(super) fn write_token(&self, token: &str) -> io::Result<()> {
        self.write(TOKEN_FILE, token.as_bytes())
    }

    pub(super) fn write_spawned(&self, agent: &ProcessId) -> io::Result<()> {
        self.write_json(SPAWNED_FILE, agent)
    }

    /// Locked by whoever changes the rank. The directory itself is locked by its agent.
    pub(super) fn open_lock(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.join(LOCK_FILE))
    }

    /// Where the agent itself can complain.
    pub(super) fn open_agent_log(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(self.path.join(AGENT_LOG))
    }

    /// Who the agent is or was; `None` if none was started.
    pub(super) fn agent(&self) -> io::Result<Option<ProcessId>> {
        let announced = self.read_json(PROCESS_FILE)?;
        if announced.is_some() {
            Ok(announced)
        } else {
            self.read_json(SPAWNED_FILE)
        }
    }

    /// How the rank ended, if its agent has written that down.
    pub(super) fn exit_record(&self) -> io::Result<Option<ExitRecord>> {
        self.read_json(EXIT_FILE)
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.write(name, &serde_json::to_vec(value)?)
    }

    /// Replaces a file as a whole. It is closed to others. Not synced: after a loss of power, no process is left
    /// that these files could tell of.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.path.join(format!(".{name}.new"));
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(0o600);
        options.open(&temporary)?.write_all(bytes)?;
        fs::rename(&temporary, self.path.join(name))
    }

    /// Reads a record. One that cannot be understood counts as absent: its rank then ends as lost instead of never.
    fn read_json<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        let path = self.path.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a record of a rank is ignored");
                Ok(None)
            }
        }
    }
}
