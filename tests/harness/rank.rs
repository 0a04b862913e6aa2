//! The processes of ranks, known by the mark in their environment.

use std::ffi::OsStr;
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
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment
        .split(|byte| *byte == 0)
        .filter_map(|entry| entry.strip_prefix(RANK_DIR_VAR.as_bytes()))
        .find_map(|rest| rest.strip_prefix(b"="))
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
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
