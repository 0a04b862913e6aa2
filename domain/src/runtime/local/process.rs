//! The processes of this machine, as `/proc` shows them.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io, str, thread};

use protocol::{ProcessId, RANK_DIR_VAR};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process that runs: zombies are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) start_time: u64,
    /// Directory of the rank that it belongs to by its environment, if that can be read.
    pub(super) rank_dir: Option<PathBuf>,
}

/// What we need of `/proc/<pid>/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    start_time: u64,
    is_running: bool,
    /// Kernel threads have neither arguments nor an environment.
    is_kernel: bool,
}

/// How often a process is looked at while it executes another program.
const N_LOOKS: usize = 1000;

/// The number of this boot of the machine.
pub(super) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

/// All processes that run now.
pub(super) fn all() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        if let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            && let Some(process) = read(pid)
        {
            processes.push(process);
        }
    }
    Ok(processes)
}

/// The processes that name `rank_dir` in their environment and all their descendants, oldest first: an agent comes
/// before what it started.
///
/// A process that has cleared its environment is found as long as its ancestors are there.
pub(super) fn of_rank(all: &[Process], rank_dir: &Path) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for process in all {
        children
            .entry(process.parent)
            .or_default()
            .push(process.pid);
    }
    let is_marked = |process: &&Process| process.rank_dir.as_deref() == Some(rank_dir);
    let mut to_visit: Vec<i32> = all
        .iter()
        .filter(is_marked)
        .map(|process| process.pid)
        .collect();
    let mut members = HashSet::new();
    while let Some(pid) = to_visit.pop() {
        if members.insert(pid) {
            to_visit.extend(children.get(&pid).into_iter().flatten());
        }
    }
    let mut found: Vec<_> = all
        .iter()
        .filter(|p| members.contains(&p.pid))
        .cloned()
        .collect();
    found.sort_by_key(|process| (process.start_time, process.pid));
    found
}

/// Whether this very process runs.
pub(super) fn is_running(id: &ProcessId, boot_id: &str) -> bool {
    id.boot_id == boot_id
        && stat(id.pid).is_some_and(|stat| stat.is_running && stat.start_time == id.start_time)
}

/// Who the process with this number is, if there is one, be it a zombie.
pub(super) fn identify(pid: i32, boot_id: &str) -> Option<ProcessId> {
    stat(pid).map(|stat| ProcessId {
        boot_id: boot_id.to_owned(),
        pid,
        start_time: stat.start_time,
    })
}

/// A handle of this very process; `None` if it has ended.
pub(super) fn open(process: &Process) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return Ok(None);
    };
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // The handle is of whoever has the number now: if that one has the right start time, the number was not reused.
    Ok(stat(process.pid)
        .is_some_and(|stat| stat.start_time == process.start_time)
        .then_some(handle))
}

/// Sends SIGKILL, unless the process has ended.
pub(super) fn kill(handle: &OwnedFd) -> io::Result<()> {
    match pidfd_send_signal(handle, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits for a process to end and says whether it did. A zombie has ended.
pub(super) fn has_ended(handle: &OwnedFd, patience: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
    loop {
        match poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&timeout)) {
            Ok(n_ready) => return Ok(n_ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads a process. Its stat comes first: if it still has that start time when it is killed, then the environment
/// was its own.
///
/// For a moment within exec(2) a process has neither arguments nor an environment: it is looked at again, or it would
/// be overlooked.
fn read(pid: i32) -> Option<Process> {
    let mut looks = 0..N_LOOKS;
    loop {
        let stat = stat(pid).filter(|stat| stat.is_running)?;
        // Half of a machine's processes are the kernel's: these belong to no rank.
        let environ = if stat.is_kernel {
            None
        } else {
            fs::read(format!("/proc/{pid}/environ")).ok()
        };
        let is_bare = environ.as_ref().is_some_and(Vec::is_empty) && !has_arguments(pid);
        if is_bare && looks.next().is_some() {
            thread::yield_now();
            continue;
        }
        let rank_dir = environ.as_deref().and_then(rank_dir_of).map(Into::into);
        return Some(Process {
            pid,
            parent: stat.parent,
            start_time: stat.start_time,
            rank_dir,
        });
    }
}

fn has_arguments(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|arguments| !arguments.is_empty())
}

fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Parses `pid (name) state parent …`. The name is whatever the process likes, with spaces, parentheses and line
/// feeds, so that only the last `)` is its end.
fn parse_stat(stat: &[u8]) -> Option<Stat> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields: Vec<&str> = str::from_utf8(&stat[name_end + 1..])
        .ok()?
        .split_ascii_whitespace()
        .collect();
    // proc_pid_stat(5) counts from 1 and has two fields before these.
    let field = |number: usize| fields.get(number - 3).copied();
    const PF_KTHREAD: u32 = 0x0020_0000;
    let flags: u32 = field(9)?.parse().ok()?;
    let is_dead = matches!(field(3)?, "Z" | "X" | "x");
    let n_threads: u32 = field(20)?.parse().ok()?;
    Some(Stat {
        parent: field(4)?.parse().ok()?,
        start_time: field(22)?.parse().ok()?,
        // The main thread may end before the others: it looks like a zombie, but the process runs.
        is_running: !is_dead || n_threads > 1,
        is_kernel: flags & PF_KTHREAD != 0,
    })
}

/// The rank's directory in the contents of `/proc/<pid>/environ`.
fn rank_dir_of(environ: &[u8]) -> Option<&Path> {
    environ
        .split(|byte| *byte == 0)
        .filter_map(|entry| entry.strip_prefix(RANK_DIR_VAR.as_bytes()))
        .find_map(|rest| rest.strip_prefix(b"="))
        .map(|value| Path::new(OsStr::from_bytes(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat_line(name: &str, state: char, n_threads: u32) -> Vec<u8> {
        let to_threads = "7 7 7 0 -1 4194560 100 0 0 0 1 2 0 0 20 0";
        format!(
            "42 ({name}) {state} {to_threads} {n_threads} 0 98765 1000 50 18446744073709551615\n"
        )
        .into()
    }

    #[test]
    fn a_process_may_call_itself_whatever_it_likes() {
        let expected = Stat {
            parent: 7,
            start_time: 98765,
            is_running: true,
            is_kernel: false,
        };
        for name in [
            "bash",
            "a b",
            ") Z 1 (",
            "((",
            ") ) )",
            "line\nfeed",
            "",
            "S 1 2 3",
        ] {
            assert_eq!(
                parse_stat(&stat_line(name, 'S', 1)).as_ref(),
                Some(&expected),
                "{name:?}"
            );
        }
        let mut not_utf8 = stat_line("x", 'S', 1);
        not_utf8[4] = 0xff;
        assert_eq!(parse_stat(&not_utf8), Some(expected));
    }

    #[test]
    fn a_zombie_does_not_run_but_a_process_without_its_main_thread_does() {
        for (state, n_threads, is_running) in [
            ('R', 1, true),
            ('D', 3, true),
            ('T', 1, true),
            ('Z', 1, false),
            ('X', 0, false),
            ('Z', 2, true),
        ] {
            let stat = parse_stat(&stat_line("x", state, n_threads)).unwrap();
            assert_eq!(stat.is_running, is_running, "{state} {n_threads}");
        }
    }

    #[test]
    fn half_a_stat_is_none() {
        for text in [
            "",
            "42 (bash",
            "42 (bash)",
            "42 (bash) S 7",
            "42 (bash) S x 7 7",
        ] {
            assert_eq!(parse_stat(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_rank_is_read_from_the_environment() {
        let of = |environ: &[u8]| rank_dir_of(environ).map(Path::to_owned);
        assert_eq!(
            of(b"A=1\0HAI_RANK_DIR=/d/run/1/2/3\0B=2\0"),
            Some("/d/run/1/2/3".into())
        );
        assert_eq!(of(b"HAI_RANK_DIR=/a b=c"), Some("/a b=c".into()));
        for other in [
            &b""[..],
            b"XHAI_RANK_DIR=/d\0",
            b"HAI_RANK_DIRS=/d\0",
            b"HAI_RANK_DIR\0",
            b"A=HAI_RANK_DIR=/d\0",
        ] {
            assert_eq!(of(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_rank_is_what_carries_its_mark_and_what_that_started() {
        let process = |pid, parent, start_time, rank_dir: Option<&str>| Process {
            pid,
            parent,
            start_time,
            rank_dir: rank_dir.map(Into::into),
        };
        let all = vec![
            process(1, 0, 0, None),
            process(8, 9, 70, None), // cleared its environment; numbers have wrapped around
            process(9, 1, 60, Some("/run/1/1/0")),
            process(10, 1, 61, Some("/run/1/1/1")),
            process(11, 8, 71, None),
            process(12, 1, 65, Some("/run/1/1/0")), // its parent is gone
            process(13, 1, 66, None),
        ];
        let pids = |rank_dir| -> Vec<i32> {
            of_rank(&all, Path::new(rank_dir))
                .iter()
                .map(|process| process.pid)
                .collect()
        };
        assert_eq!(pids("/run/1/1/0"), [9, 12, 8, 11]);
        assert_eq!(pids("/run/1/1/1"), [10]);
        assert_eq!(pids("/run/1/1/2"), [0; 0]);
    }

    #[test]
    fn this_process_runs_and_an_earlier_one_with_its_number_does_not() {
        let boot_id = boot_id().unwrap();
        let own = identify(i32::try_from(std::process::id()).unwrap(), &boot_id).unwrap();
        assert!(is_running(&own, &boot_id));
        assert!(!is_running(
            &ProcessId {
                start_time: own.start_time - 1,
                ..own.clone()
            },
            &boot_id
        ));
        assert!(!is_running(
            &ProcessId {
                boot_id: "another".into(),
                ..own
            },
            &boot_id
        ));
    }
}
