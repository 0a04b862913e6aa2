//! Which processes belong to a rank.

use std::{collections::HashSet, ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path};

use protocol::RANK_DIR_VAR;

use super::Stat;

/// All processes of the rank that still run: what descends from the agent, which adopts orphans as their subreaper, and
/// what carries the rank's directory in its environment. Never the agent itself.
pub(crate) fn members(agent: i32, rank_dir: &Path) -> Vec<Stat> {
    let all = read_all();
    let family = descendants(&all, agent);
    let mark = mark(rank_dir.as_os_str());
    // Whatever is older than the agent is not the rank's: no need to look into all processes of the machine.
    let is_agent = |process: &&Stat| process.pid == agent;
    let begun = all.iter().find(is_agent).map_or(0, |it| it.start_time);
    let is_marked = |process: &Stat| process.start_time >= begun && carries(process.pid, &mark);
    all.into_iter()
        .filter(|process| process.pid != agent && !process.is_gone())
        .filter(|process| family.contains(&process.pid) || is_marked(process))
        .collect()
}

/// Every process of the machine. What ends or appears meanwhile may be missed: callers look again.
fn read_all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let pid = name
                .to_str()
                .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
            Stat::read(pid).ok()
        })
        .collect()
}

/// The numbers of all processes below `root`, without it.
fn descendants(all: &[Stat], root: i32) -> HashSet<i32> {
    let mut found = HashSet::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            if child.pid != root && found.insert(child.pid) {
                parents.push(child.pid);
            }
        }
    }
    found
}

fn mark(rank_dir: &OsStr) -> Vec<u8> {
    [RANK_DIR_VAR.as_bytes(), b"=", rank_dir.as_bytes()].concat()
}

/// Whether a process was started with the mark. The environment of another user's process cannot be read, except by
/// root: it is not ours then.
fn carries(pid: i32, mark: &[u8]) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == mark))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn process(pid: i32, parent: i32) -> Stat {
        Stat {
            pid,
            state: 'S',
            parent,
            group: pid,
            threads: 1,
            start_time: 0,
        }
    }

    #[test]
    fn descendants_are_found_through_all_generations() {
        let all = [
            process(1, 0),
            process(5, 1),
            process(9, 7),
            process(7, 5),
            process(8, 1),
        ];
        assert_eq!(descendants(&all, 5), HashSet::from([7, 9]));
        assert_eq!(descendants(&all, 9), HashSet::new());
        assert_eq!(descendants(&all, 1), HashSet::from([5, 7, 8, 9]));
    }

    #[test]
    fn a_process_is_found_by_the_mark_in_its_environment() {
        let rank_dir = tempfile::tempdir().unwrap();
        let mut child = Command::new("cat")
            .env(RANK_DIR_VAR, rank_dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Nothing descends from process number 0 of this machine's users.
        let found = |dir: &Path| {
            members(-1, dir)
                .iter()
                .any(|member| member.pid == child.id() as i32)
        };
        assert!(found(rank_dir.path()));
        assert!(!found(Path::new("/another/rank")));
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
