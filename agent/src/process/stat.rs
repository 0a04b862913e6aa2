//! What `/proc/<pid>/stat` says about a process.

use std::{fs, io};

/// The fields that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Process number.
    pub(crate) pid: i32,
    /// State letter, for example `R` or `Z`.
    pub(crate) state: char,
    /// Number of the parent.
    pub(crate) parent: i32,
    /// Number of the process group.
    pub(crate) group: i32,
    /// Number of threads.
    pub(crate) threads: i64,
    /// Clock ticks from boot to the start of the process.
    pub(crate) start_time: u64,
}

impl Stat {
    /// Reads that of a process, given as the name of its directory in `/proc`.
    pub(crate) fn read(process: &str) -> io::Result<Self> {
        let content = fs::read(format!("/proc/{process}/stat"))?;
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "malformed stat file");
        Self::parse(&String::from_utf8_lossy(&content)).ok_or_else(malformed)
    }

    /// The name of the program is in parentheses and may itself contain anything.
    fn parse(content: &str) -> Option<Self> {
        let (pid, rest) = content.split_once(" (")?;
        let (_name, rest) = rest.rsplit_once(") ")?;
        // The state is field 3 of the manual page.
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3);
        Some(Self {
            pid: pid.parse().ok()?,
            state: field(3)?.chars().next()?,
            parent: field(4)?.parse().ok()?,
            group: field(5)?.parse().ok()?,
            threads: field(20)?.parse().ok()?,
            start_time: field(22)?.parse().ok()?,
        })
    }

    /// Whether nothing of the process runs any more and it only waits to be reaped. The first thread of a process may
    /// be a zombie while others run.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "42 (a) b ( c)) S 7 40 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 9876 1 2\n";

    #[test]
    fn a_program_may_have_any_name() {
        let expected = Stat {
            pid: 42,
            state: 'S',
            parent: 7,
            group: 40,
            threads: 3,
            start_time: 9876,
        };
        assert_eq!(Stat::parse(LINE), Some(expected));
        assert_eq!(Stat::parse("42 (cut off) S 7 40"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn a_zombie_with_threads_still_runs() {
        let stat = Stat::parse(LINE).unwrap();
        let zombie = Stat {
            state: 'Z',
            threads: 1,
            ..stat
        };
        assert!(!stat.is_gone());
        assert!(zombie.is_gone());
        assert!(
            !Stat {
                threads: 2,
                ..zombie
            }
            .is_gone()
        );
    }

    #[test]
    fn this_process_is_found() {
        let stat = Stat::read("self").unwrap();
        assert_eq!(stat.pid, i32::try_from(std::process::id()).unwrap());
        assert!(!stat.is_gone());
    }
}
