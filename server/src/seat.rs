//! Which processes of the platform live on this machine: each has a seat in its data directory.
//!
//! ```text
//! lock            held by all: by one alone on SQLite, shared on PostgreSQL
//! servers/        held by whoever is just starting
//!   4711.lock     held as long as process 4711 lives
//!   4711.json     where agents reach it, if it answers them
//! ```
//!
//! Where processes of several machines share the directory, as pods of a cluster do, each of which has the same number, their
//! names begin with that of their machine.
//!
//! The system gives every lock back when its process ends, however it ends: what is not held is nobody's.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use protocol::ServerFile;

use crate::data_dir::DataDir;
use crate::directory;

/// The right to start, for one process at a time: what is made once is made by the first.
#[derive(Debug)]
pub struct Starting {
    servers: File,
}

/// Held while a process of the platform lives.
#[derive(Debug)]
pub struct Seat {
    data_dir: DataDir,
    name: String,
    _data: File,
    _own: File,
}

impl Starting {
    /// Waits until no other process is just starting. Blocks.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn wait(data_dir: &DataDir) -> Result<Self> {
        let path = data_dir.servers();
        let open = || {
            directory::make(&path, 0o700)?;
            let servers = File::open(&path)?;
            servers.lock()?;
            Ok::<_, io::Error>(servers)
        };
        let servers = open().with_context(|| format!("{} cannot be locked", path.display()))?;
        Ok(Self { servers })
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        // Closing it does the same, unless a child was forked this very moment.
        let _ = self.servers.unlock();
    }
}

impl Seat {
    /// Takes a seat, `alone` or beside others.
    ///
    /// # Errors
    /// If another process has the directory and cannot share it.
    pub fn take(data_dir: &DataDir, alone: bool, starting: &Starting) -> Result<Self> {
        Self::take_as(std::process::id().to_string(), data_dir, alone, starting)
    }

    /// The same beside processes of other machines.
    ///
    /// # Errors
    /// As [`Seat::take`].
    pub fn take_from(
        host: &str,
        data_dir: &DataDir,
        alone: bool,
        starting: &Starting,
    ) -> Result<Self> {
        let name = format!("{host}-{}", std::process::id());
        Self::take_as(name, data_dir, alone, starting)
    }

    fn take_as(
        name: String,
        data_dir: &DataDir,
        alone: bool,
        _starting: &Starting,
    ) -> Result<Self> {
        let shown = data_dir.path().display();
        let data = open(&data_dir.path().join("lock"))?;
        let locked = if alone {
            data.try_lock()
        } else {
            data.try_lock_shared()
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "a server already runs on {shown}: stop it with `hai-platform down --data-dir {shown}` or choose another --data-dir"
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{shown} cannot be locked"));
            }
        }
        for (lock, name) in locks(&data_dir.servers())? {
            if !is_held(&lock)? {
                remove(data_dir, &name);
            }
        }
        let own = open(&data_dir.servers().join(format!("{name}.lock")))?;
        own.try_lock()
            .with_context(|| format!("this process has a seat in {shown} already"))?;
        Ok(Self {
            data_dir: data_dir.clone(),
            name,
            _data: data,
            _own: own,
        })
    }

    /// Says where agents reach this process, and by which certificate they know it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn announce(&self, url: String, certificate: Option<String>) -> Result<()> {
        let text = serde_json::to_vec(&ServerFile {
            url,
            pid: std::process::id(),
            certificate,
        })?;
        let own = format!("servers/{}.json", self.name);
        self.data_dir.write(&own, &text)?;
        // For agents that were started by the release before this one, and for whoever wants any.
        self.data_dir.write("server.json", &text)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        remove(&self.data_dir, &self.name);
    }
}

/// The numbers of the processes of this machine that have a seat.
///
/// # Errors
/// If the file system refuses.
pub fn taken(data_dir: &DataDir) -> Result<Vec<u32>> {
    let mut pids = Vec::new();
    for (lock, name) in locks(&data_dir.servers())? {
        // Zero and negative numbers would stand for groups of processes.
        let pid = name.parse().ok().filter(|pid| *pid > 0);
        if let Some(pid) = pid
            && is_held(&lock)?
        {
            pids.push(pid);
        }
    }
    pids.sort_unstable();
    Ok(pids)
}

/// Waits until no process has a seat. Blocks.
///
/// # Errors
/// If the file system refuses.
pub fn wait_until_free(data_dir: &DataDir) -> Result<()> {
    let data = open(&data_dir.path().join("lock"))?;
    data.lock()
        .with_context(|| format!("{} cannot be locked", data_dir.path().display()))
}

/// The locks, and the names of the seats.
fn locks(servers: &Path) -> Result<Vec<(PathBuf, String)>> {
    let failed = || format!("{} cannot be read", servers.display());
    let entries = match fs::read_dir(servers) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(failed),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.strip_suffix(".lock"));
        if let Some(name) = name.map(str::to_owned) {
            found.push((path, name));
        }
    }
    Ok(found)
}

/// Whether somebody holds a lock; one that has gone meanwhile nobody does.
fn is_held(lock: &Path) -> Result<bool> {
    let file = match File::open(lock) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", lock.display()));
        }
    };
    Ok(matches!(
        file.try_lock_shared(),
        Err(TryLockError::WouldBlock)
    ))
}

/// What cannot be removed is removed by the next start.
fn remove(data_dir: &DataDir, name: &str) {
    for kind in ["json", "lock"] {
        let _ = fs::remove_file(data_dir.servers().join(format!("{name}.{kind}")));
    }
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be locked", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    fn data_dir(path: &Path) -> DataDir {
        DataDir::choose(Some(path.to_owned()), &Environment::default(), false).unwrap()
    }

    fn take(data_dir: &DataDir, alone: bool) -> Result<Seat> {
        Seat::take(data_dir, alone, &Starting::wait(data_dir)?)
    }

    #[test]
    fn a_seat_is_taken_as_long_as_its_process_lives_whatever_files_say() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        assert!(taken(&data_dir).unwrap().is_empty());
        let dead = Starting::wait(&data_dir).unwrap();
        for name in ["12345.lock", "12345.json", "0.lock", "me.lock"] {
            fs::write(data_dir.servers().join(name), "").unwrap();
        }
        drop(dead);
        assert!(taken(&data_dir).unwrap().is_empty());
        let seat = take(&data_dir, true).unwrap();
        assert_eq!(taken(&data_dir).unwrap(), [std::process::id()]);
        assert!(!data_dir.servers().join("12345.json").exists());
        drop(seat);
        assert!(taken(&data_dir).unwrap().is_empty());
    }

    #[test]
    fn processes_of_several_machines_may_have_the_same_number() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        let starting = Starting::wait(&data_dir).unwrap();
        let one = Seat::take_from("a", &data_dir, false, &starting).unwrap();
        let other = Seat::take_from("b", &data_dir, false, &starting).unwrap();
        other.announce("http://b".to_owned(), None).unwrap();
        assert!(taken(&data_dir).unwrap().is_empty(), "they are elsewhere");
        drop(one);
        let own = format!("b-{}.json", std::process::id());
        assert!(data_dir.servers().join(own).exists());
    }

    #[test]
    fn who_wants_to_be_alone_is_refused_beside_others_and_refuses_them() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        for (first, second, fits) in [
            (false, false, true),
            (false, true, false),
            (true, false, false),
            (true, true, false),
        ] {
            let other = open(&dir.path().join("lock")).unwrap();
            if first {
                other.lock().unwrap();
            } else {
                other.lock_shared().unwrap();
            }
            let refused = take(&data_dir, second).map(drop);
            assert_eq!(refused.is_ok(), fits, "{first} {second}");
            if let Err(error) = refused {
                let error = error.to_string();
                assert!(error.contains("a server already runs on"), "{error}");
            }
        }
    }

    #[test]
    fn agents_find_who_has_announced_himself() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        let seat = take(&data_dir, true).unwrap();
        seat.announce("http://here".to_owned(), None).unwrap();
        let own = data_dir
            .servers()
            .join(format!("{}.json", std::process::id()));
        let text = fs::read(&own).unwrap();
        assert_eq!(text, fs::read(data_dir.server_file()).unwrap());
        let file: ServerFile = serde_json::from_slice(&text).unwrap();
        assert_eq!((&*file.url, file.pid), ("http://here", std::process::id()));
        drop(seat);
        assert!(!own.exists());
    }
}
