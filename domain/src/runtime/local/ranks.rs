//! The ranks of this machine, as their directories and processes tell.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use super::directory::RankDir;
use super::process::Process;
use super::{LocalConfig, process};
use crate::runtime::{RankKey, RuntimeError};

/// All ranks of one data directory. Every method blocks on the file system, none for long.
#[derive(Debug)]
pub(super) struct Ranks {
    pub(super) config: LocalConfig,
    pub(super) boot_id: String,
    /// `<data_dir>/run`, in the one spelling by which processes are marked.
    root: PathBuf,
    /// Held by who starts, kills or forgets, so that none of them acts on what another is about to change.
    changing: Mutex<()>,
}

/// The right to change one rank, which another process may have, too: one that has not yet heard that somebody else has
/// taken over. Even if that stands still for good, it keeps nobody from all other ranks.
pub(super) struct Changing {
    /// In the directory of the rank, if there is one. Closing it would unlock it, but for a child that is forked right now.
    file: Option<File>,
}

impl Drop for Changing {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = file.unlock();
        }
    }
}

impl Ranks {
    /// Finds the ranks of a data directory.
    pub(super) fn open(mut config: LocalConfig) -> Result<Self, RuntimeError> {
        let failed = |error| RuntimeError::unavailable("open the data directory", error);
        config.data_dir = fs::canonicalize(&config.data_dir).map_err(failed)?;
        let root = config.data_dir.join("run");
        RankDir::new(root.clone()).create().map_err(failed)?;
        let boot_id = process::boot_id().map_err(failed)?;
        Ok(Self {
            config,
            boot_id,
            root,
            changing: Mutex::new(()),
        })
    }

    pub(super) fn dir(&self, key: &RankKey) -> RankDir {
        RankDir::new(
            self.root
                .join(key.task.to_string())
                .join(key.run.to_string())
                .join(key.rank.to_string()),
        )
    }

    /// Waits for this process's right to change ranks.
    pub(super) fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the right to change one rank from all other processes. Fails if one of them has it.
    pub(super) fn change_rank(&self, key: &RankKey) -> io::Result<Changing> {
        let file = match self.dir(key).open_lock() {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Changing { file: None });
            }
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(Changing { file: Some(file) }),
            Err(TryLockError::WouldBlock) => {
                let busy = format!("another process is just changing rank {key}");
                Err(io::Error::new(ErrorKind::WouldBlock, busy))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Every rank that has a directory or a process.
    pub(super) fn list(&self) -> Result<Vec<RankKey>, RuntimeError> {
        let failed = |error| RuntimeError::unavailable("list the ranks of this machine", error);
        let mut keys = self.recorded().map_err(failed)?;
        let processes = process::all().map_err(failed)?;
        keys.extend(
            processes
                .iter()
                .filter_map(|p| self.key_of(p.rank_dir.as_deref()?)),
        );
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// Removes the directories of ranks without processes, and those of their runs and tasks when they are empty. The
    /// processes of the machine are listed once for all of them.
    pub(super) fn forget_all(&self, keys: &[RankKey]) -> Vec<Result<(), RuntimeError>> {
        let _changing = self.change();
        let all = process::all();
        let forget = |key: &RankKey| {
            let failed = |error| RuntimeError::unavailable(format!("forget rank {key}"), error);
            let again = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
            let _rank = self.change_rank(key).map_err(failed)?;
            let all = all.as_ref().map_err(|error| failed(again(error)))?;
            let dir = self.dir(key);
            if !process::of_rank(all, dir.path()).is_empty() {
                return Err(RuntimeError::rejected(format!(
                    "rank {key} still has processes"
                )));
            }
            dir.remove().map_err(failed)?;
            remove_empty_parents(dir.path(), &self.root).map_err(failed)
        };
        keys.iter().map(forget).collect()
    }

    /// The processes of a rank, its agent first.
    pub(super) fn processes(&self, key: &RankKey) -> io::Result<Vec<Process>> {
        Ok(process::of_rank(&process::all()?, self.dir(key).path()))
    }

    fn recorded(&self) -> io::Result<Vec<RankKey>> {
        let mut keys = Vec::new();
        for (task, path) in numbered(&self.root)? {
            for (run, path) in numbered(&path)? {
                keys.extend(numbered(&path)?.into_iter().map(|(rank, _)| RankKey {
                    task,
                    run,
                    rank,
                }));
            }
        }
        Ok(keys)
    }

    fn key_of(&self, rank_dir: &Path) -> Option<RankKey> {
        let mut parts = rank_dir
            .strip_prefix(&self.root)
            .ok()?
            .iter()
            .map(|part| part.to_str());
        let key = RankKey {
            task: parts.next()??.parse().ok()?,
            run: parts.next()??.parse().ok()?,
            rank: parts.next()??.parse().ok()?,
        };
        (self.dir(&key).path() == rank_dir).then_some(key)
    }
}

/// The directories in `dir` that are named by a number.
fn numbered<T: FromStr + ToString>(dir: &Path) -> io::Result<Vec<(T, PathBuf)>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str()
            && let Ok(number) = name.parse::<T>()
            && number.to_string() == name
            && entry.file_type()?.is_dir()
        {
            found.push((number, entry.path()));
        }
    }
    Ok(found)
}

fn remove_empty_parents(path: &Path, root: &Path) -> io::Result<()> {
    for parent in path
        .ancestors()
        .skip(1)
        .take_while(|parent| *parent != root)
    {
        match fs::remove_dir(parent) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
