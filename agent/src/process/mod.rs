//! The processes of a rank: finding them, signalling them, and reaping them.

mod find;
mod stat;

use std::{fs, io};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill, killpg},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use protocol::ProcessId;

use crate::supervise::CommandEnd;

pub(crate) use find::members;
pub(crate) use stat::Stat;

/// The identity of this process.
pub(crate) fn own_id() -> io::Result<ProcessId> {
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned();
    let stat = Stat::read("self")?;
    Ok(ProcessId {
        boot_id,
        pid: stat.pid,
        start_time: stat.start_time,
    })
}

/// Whether a process of this machine has the number.
pub(crate) fn exists(pid: u32) -> bool {
    fs::exists(format!("/proc/{pid}")).unwrap_or(true)
}

/// Sends a signal to each of the processes, unless its number belongs to another one by now.
pub(crate) fn signal(targets: &[Stat], signal: Signal) {
    for target in targets {
        let same = Stat::read(&target.pid.to_string())
            .is_ok_and(|now| now.start_time == target.start_time);
        if same {
            report(kill(Pid::from_raw(target.pid), signal), target.pid);
        }
    }
}

/// Sends a signal to a process group, atomically for all its members. The leader must not have been reaped yet, so that
/// the number is still its own.
pub(crate) fn signal_group(leader: i32, signal: Signal) {
    report(killpg(Pid::from_raw(leader), signal), leader);
}

fn report(sent: nix::Result<()>, pid: i32) {
    match sent {
        // A process that is gone is what was wanted.
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => tracing::warn!(process.pid = pid, %errno, "a process cannot be signalled"),
    }
}

/// Takes note of all children of this process that ended, adopted ones too, and tells how each did.
///
/// Invariant: nothing else in this process waits for children.
pub(crate) fn reap() -> Vec<(i32, CommandEnd)> {
    let mut ended = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => ended.push((pid.as_raw(), CommandEnd::Code(code))),
            Ok(WaitStatus::Signaled(pid, signal, _core_dumped)) => {
                ended.push((pid.as_raw(), CommandEnd::Signal(signal as i32)));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return ended,
            Ok(
                WaitStatus::Stopped(..)
                | WaitStatus::Continued(_)
                | WaitStatus::PtraceEvent(..)
                | WaitStatus::PtraceSyscall(_),
            )
            | Err(Errno::EINTR) => {}
            Err(errno) => {
                tracing::warn!(%errno, "children cannot be waited for");
                return ended;
            }
        }
    }
}
