//! The processes of ranks, known by the mark in their environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use protocol::{PROCESS_FILE, ProcessId, RANK_DIR_VAR};

/// How often to look again for what was started, or has not quite ended, while others were killed.
const ROUNDS: u32 = 200;

/// The directory of the rank to which a process belongs. None if it belongs to no rank, or has ended.
pub fn rank_dir_of(pid: i32) -> Option<PathBuf> {
    variable(pid, RANK_DIR_VAR).map(PathBuf::from)
}

/// A variable of a process, as it was when its program began.
fn variable(pid: i32, name: &str) -> Option<OsString> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment
        .split(|byte| *byte == 0)
        .filter_map(|entry| entry.strip_prefix(name.as_bytes()))
        .find_map(|rest| rest.strip_prefix(b"="))
        .map(|value| OsStr::from_bytes(value).to_owned())
}

/// The number of the agent that supervises a process, as the agent itself has announced it.
///
/// # Errors
/// If the process belongs to no rank.
pub fn agent_of(pid: i32) -> Result<Pid> {
    let dir = rank_dir_of(pid).with_context(|| format!("process {pid} belongs to no rank"))?;
    let announced = std::fs::read(dir.join(PROCESS_FILE))?;
    let agent: ProcessId = serde_json::from_slice(&announced)?;
    Ok(Pid::from_raw(agent.pid))
}

/// A process, which is no other one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    pid: i32,
    /// When it was started, in ticks of the machine.
    started: u64,
}

impl Process {
    fn find(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // NUMBER (NAME) STATE …, where the name may have anything in it.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let started = fields.get(19)?.parse().ok()?;
        let is_dead = matches!(*fields.first()?, "Z" | "X");
        (!is_dead).then_some(Self { pid, started })
    }

    /// Whether it still lives.
    pub fn lives(self) -> bool {
        Self::find(self.pid) == Some(self)
    }
}

/// The processes that the commands of a run have started, on the platform that has its data here.
///
/// # Errors
/// If the processes of this machine cannot be listed.
pub fn commands_of_run(data_dir: &Path, run: u32) -> Result<Vec<Process>> {
    let data_dir = data_dir.canonicalize()?;
    let is_of_run = |pid: i32| {
        let log_dir = variable(pid, "MARSV2_LOG_DIR").map(PathBuf::from);
        let number = variable(pid, "MARSV2_RUN");
        log_dir.is_some_and(|dir| dir.starts_with(&data_dir))
            && number.is_some_and(|number| number == run.to_string().as_str())
    };
    let all = std::fs::read_dir("/proc")?.filter_map(|process| process.ok());
    let all = all.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let of_run = all.filter(|pid| is_of_run(*pid));
    Ok(of_run.filter_map(Process::find).collect())
}

/// Kills the processes of all ranks whose directory is in this one, as well as it can: it is for cleaning up, where a
/// failure must not hide the failure of the test.
pub(crate) fn kill_ranks(dir: &Path) {
    for _ in 0..ROUNDS {
        let found = ranks_in(dir);
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        std::thread::yield_now();
    }
}

fn ranks_in(dir: &Path) -> Vec<i32> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| rank_dir_of(*pid).is_some_and(|rank| rank.starts_with(dir)))
        .collect()
}
