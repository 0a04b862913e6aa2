//! What facts mean: pure, one function for each thing.

use super::Finding;

/// What was found out. What could not be is absent or an error in words.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) kernel: String,
    pub(super) has_proc: bool,
    pub(super) has_pidfd: bool,
    pub(super) dir: Option<Dir>,
    /// Uid of whoever asks.
    pub(super) uid: u32,
    pub(super) open_files: u64,
    pub(super) database: Result<Database, String>,
    /// Seals of the audit log that do not fit what is there.
    pub(super) broken_seals: Result<Vec<String>, String>,
    /// Absent where one server is all there can be.
    pub(super) relay: Result<Option<Relay>, String>,
    /// Bytes of SQLite's write-ahead log.
    pub(super) wal_bytes: u64,
    pub(super) server: Result<Server, String>,
    pub(super) keys_mode: Option<u32>,
    pub(super) python: Option<String>,
    pub(super) agent: Option<String>,
}

/// The data directory.
#[derive(Debug, Clone)]
pub(super) struct Dir {
    pub(super) shown: String,
    pub(super) uid: u32,
    pub(super) mode: u32,
    pub(super) free_bytes: u64,
    /// Absent if the file system does not count them.
    pub(super) free_inodes: Option<u64>,
    pub(super) is_network: bool,
}

/// The database.
#[derive(Debug, Clone, Default)]
pub(super) struct Database {
    /// The changes that it has.
    pub(super) has: Vec<String>,
    /// The changes that this version knows.
    pub(super) known: Vec<String>,
    /// Settings of PostgreSQL that keep what was written, as they are.
    pub(super) durability: Vec<(&'static str, String)>,
    /// How far its clock is ahead of ours, in milliseconds.
    pub(super) ahead_ms: Option<i64>,
    /// How far the newest time in it is ahead of our clock, in milliseconds: less than zero if time goes forward.
    pub(super) newest_ahead_ms: Option<i64>,
}

/// What carries wake-ups between servers.
#[derive(Debug, Clone)]
pub(super) struct Relay {
    pub(super) name: String,
    pub(super) carries: Result<(), String>,
}

/// The server of the directory.
#[derive(Debug, Clone)]
pub(super) enum Server {
    /// None runs.
    Down,
    /// These processes have the directory. What the address that was announced last says to `/readyz`.
    Up {
        pids: Vec<u32>,
        /// Absent if none of them answers people.
        ready: Option<Result<u16, String>>,
    },
}

/// What all of it means.
pub(super) fn all(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![system(facts), open_files(facts.open_files)];
    match &facts.dir {
        Some(dir) => findings.extend([owner(dir, facts.uid), space(dir), file_system(dir)]),
        None => findings.push(Finding::problem(
            "data directory",
            "is not there",
            "start a platform with `hai-platform up`, or name its directory with --data-dir",
        )),
    }
    findings.extend(database(&facts.database));
    if facts.database.is_ok() {
        findings.push(audit_log(&facts.broken_seals));
    }
    findings.extend([
        relay(&facts.relay),
        wal(facts.wal_bytes),
        server(&facts.server),
        keys(facts.keys_mode),
        python(facts.python.as_deref()),
        agent(facts.agent.as_deref()),
    ]);
    findings
}

fn system(facts: &Facts) -> Finding {
    let what = "system";
    let kernel = &facts.kernel;
    match (facts.has_proc, facts.has_pidfd) {
        (true, true) => Finding::ok(what, format!("Linux {kernel}, with /proc and pidfd")),
        (false, _) => Finding::problem(
            what,
            "there is no /proc",
            "mount it: processes are found there",
        ),
        (true, false) => Finding::problem(
            what,
            format!("Linux {kernel} has no pidfd"),
            "use Linux 5.3 or later, and no sandbox that forbids pidfd_open",
        ),
    }
}

fn open_files(limit: u64) -> Finding {
    let what = "open files";
    let said = format!("at most {limit}");
    match limit {
        0..256 => Finding::problem(what, said, "raise it: ulimit -n 65536"),
        256..4096 => Finding::warning(what, said, "raise it for many users: ulimit -n 65536"),
        _ => Finding::ok(what, said),
    }
}

fn owner(dir: &Dir, uid: u32) -> Finding {
    let what = "data directory";
    let Dir { shown, mode, .. } = dir;
    let said = format!("{shown} belongs to uid {}, mode {mode:o}", dir.uid);
    if dir.uid != uid {
        let todo = format!("run the platform and its doctor as uid {}", dir.uid);
        return Finding::problem(what, said, todo);
    }
    if mode & 0o022 != 0 {
        return Finding::problem(
            what,
            said,
            format!("others can write it: chmod 711 {shown}"),
        );
    }
    if mode & 0o044 != 0 {
        return Finding::warning(what, said, format!("others can list it: chmod 711 {shown}"));
    }
    Finding::ok(what, said)
}

fn space(dir: &Dir) -> Finding {
    let what = "free space";
    let mib = dir.free_bytes >> 20;
    let inodes = dir.free_inodes.unwrap_or(u64::MAX);
    let said = match dir.free_inodes {
        Some(inodes) => format!("{mib} MiB and {inodes} inodes"),
        None => format!("{mib} MiB"),
    };
    if mib < 100 || inodes < 1000 {
        Finding::problem(what, said, "make room: logs and the database cannot grow")
    } else if mib < 2048 || inodes < 20_000 {
        Finding::warning(what, said, "make room: the log of one rank may take 1 GiB")
    } else {
        Finding::ok(what, said)
    }
}

fn file_system(dir: &Dir) -> Finding {
    let what = "file system";
    if dir.is_network {
        Finding::problem(
            what,
            "the data directory is on a network file system, whose locks cannot be relied upon",
            "move it to a local disk",
        )
    } else {
        Finding::ok(what, "is local")
    }
}

fn database(found: &Result<Database, String>) -> Vec<Finding> {
    let database = match found {
        Ok(database) => database,
        Err(reason) => {
            let todo =
                "start the database, or correct HAI_DATABASE_URL; a new platform makes its own";
            return vec![Finding::problem("database", reason, todo)];
        }
    };
    let mut findings = vec![schema(database)];
    let off = |setting: &&(&str, String)| setting.1 == "off";
    if let Some((name, _)) = database.durability.iter().find(off) {
        findings.push(Finding::problem(
            "durability",
            format!("{name} is off: what was confirmed can be lost"),
            format!("set {name} = on in postgresql.conf"),
        ));
    } else if !database.durability.is_empty() {
        findings.push(Finding::ok("durability", "confirmed writes are kept"));
    }
    findings.extend(database.ahead_ms.map(clock));
    findings.extend(database.newest_ahead_ms.map(time));
    findings
}

fn schema(database: &Database) -> Finding {
    let what = "database";
    let Database { has, known, .. } = database;
    if let Some(change) = has.iter().find(|change| !known.contains(change)) {
        let said = format!("is from a newer version: it has the change {change}");
        return Finding::problem(what, said, "start that version of the platform");
    }
    match known.iter().find(|change| !has.contains(change)) {
        Some(change) => Finding::warning(
            what,
            format!("is from an older version: it lacks the change {change}"),
            "`hai-platform up` brings it up to date",
        ),
        None => Finding::ok(what, "can be read and has this version's schema"),
    }
}

fn clock(ahead_ms: i64) -> Finding {
    let what = "clock";
    let said = format!("the database's is {ahead_ms} ms ahead of this machine's");
    let todo = "synchronize both with NTP";
    match ahead_ms.unsigned_abs() {
        0..1000 => Finding::ok(what, said),
        1000..30_000 => Finding::warning(what, said, todo),
        _ => Finding::problem(what, said, todo),
    }
}

/// What has happened already is not to come. Clocks of several servers differ a little.
fn time(newest_ahead_ms: i64) -> Finding {
    let what = "time";
    let seconds = newest_ahead_ms / 1000;
    let said = format!("the newest time in the database is {seconds} s after this machine's");
    let todo = "set this machine's clock right before the server goes on: waits would take that much longer";
    match newest_ahead_ms {
        ..1000 => Finding::ok(
            what,
            "has not gone backwards since the last entry of the database",
        ),
        1000..30_000 => Finding::warning(what, said, todo),
        _ => Finding::problem(what, said, todo),
    }
}

fn audit_log(broken_seals: &Result<Vec<String>, String>) -> Finding {
    let what = "audit log";
    match broken_seals.as_deref() {
        Ok([]) => Finding::ok(what, "is as it was sealed"),
        Ok([first, rest @ ..]) => Finding::problem(
            what,
            match rest.len() {
                0 => first.clone(),
                more => format!("{first}, and {more} more"),
            },
            "somebody has changed the database: compare it with a backup from before",
        ),
        Err(reason) => Finding::warning(
            what,
            format!("cannot be checked: {reason}"),
            "bring the database up to date and ask again",
        ),
    }
}

/// A platform works without it: servers look by themselves, only later.
fn relay(found: &Result<Option<Relay>, String>) -> Finding {
    let what = "relay";
    match found {
        Ok(None) => Finding::ok(what, "is not needed: SQLite serves one server"),
        Ok(Some(Relay {
            name,
            carries: Ok(()),
        })) => Finding::ok(what, format!("{name} carries wake-ups between servers")),
        Ok(Some(Relay {
            name,
            carries: Err(reason),
        })) => Finding::warning(
            what,
            format!("{name} carries no wake-ups between servers: {reason}"),
            "bring it back; until then each server looks for what others do twice in a second",
        ),
        Err(reason) => Finding::problem(
            what,
            reason,
            "correct HAI_REDIS_URL or [database.redis] of the file with settings",
        ),
    }
}

fn wal(bytes: u64) -> Finding {
    let mib = bytes >> 20;
    let said = format!("{mib} MiB");
    if mib < 256 {
        Finding::ok("write-ahead log", said)
    } else {
        let todo = "stop the server and start it again; see that nobody keeps the database open";
        Finding::warning("write-ahead log", said, todo)
    }
}

fn server(found: &Result<Server, String>) -> Finding {
    let what = "server";
    match found {
        Ok(Server::Down) => Finding::warning(
            what,
            "none runs on this directory",
            "start it with `hai-platform up`",
        ),
        Ok(Server::Up { pids, ready }) => {
            let who = match &pids[..] {
                [pid] => format!("process {pid}"),
                pids => {
                    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
                    format!("one of the processes {}", pids.join(", "))
                }
            };
            match ready {
                None => Finding::ok(
                    what,
                    format!("{who} drives; no process here answers people"),
                ),
                Some(Ok(200)) => Finding::ok(what, format!("{who} is ready")),
                Some(Ok(status)) => Finding::problem(
                    what,
                    format!("{who} answers /readyz with {status}"),
                    "read its log: the database may be away, or it is shutting down",
                ),
                Some(Err(reason)) => Finding::problem(
                    what,
                    format!("{who} has the directory and does not answer: {reason}"),
                    "read its log; `hai-platform down` and `up` start it anew, tasks go on",
                ),
            }
        }
        Err(reason) => Finding::problem(what, reason, "try again"),
    }
}

fn keys(mode: Option<u32>) -> Finding {
    let what = "signing keys";
    match mode {
        None => Finding::warning(what, "there are none", "the first start makes them"),
        Some(0o600 | 0o400) => Finding::ok(what, "only their owner can read them"),
        Some(mode) => Finding::problem(
            what,
            format!("keys.json has the mode {mode:o}"),
            "chmod 600 keys.json; whoever has read it can speak as an agent until it is removed and the server starts anew",
        ),
    }
}

fn python(version: Option<&str>) -> Finding {
    let what = "python3";
    match version {
        Some(version) => Finding::ok(what, version),
        None => Finding::warning(what, "is not found", "install it: most tasks are Python"),
    }
}

fn agent(version: Option<&str>) -> Finding {
    let what = "agent";
    match version {
        Some(version) => Finding::ok(what, version),
        None => Finding::problem(what, "cannot be executed", "install hai-platform anew"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict::{self, Ok, Problem, Warning};
    use super::*;

    fn dir() -> Dir {
        Dir {
            shown: "/srv/hai".to_owned(),
            uid: 7,
            mode: 0o711,
            free_bytes: 1 << 40,
            free_inodes: None,
            is_network: false,
        }
    }

    fn expect(cases: &[(Finding, Verdict)]) {
        for (finding, verdict) in cases {
            assert_eq!(finding.verdict, *verdict, "{finding:?}");
            assert_eq!(finding.todo.is_none(), *verdict == Ok, "{finding:?}");
        }
    }

    #[test]
    fn a_broken_seal_is_a_problem() {
        let broken = |seals: &[&str]| Result::Ok(seals.iter().map(ToString::to_string).collect());
        expect(&[
            (audit_log(&broken(&[])), Ok),
            (
                audit_log(&broken(&["the acts 1 to 3 are not as they were sealed"])),
                Problem,
            ),
            (audit_log(&Err("no such table".to_owned())), Warning),
        ]);
        let two = audit_log(&broken(&["one", "another"]));
        assert!(two.said.contains("one, and 1 more"), "{two:?}");
    }

    #[test]
    fn a_relay_that_is_away_is_no_problem() {
        let of = |carries| {
            let name = "Redis".to_owned();
            Result::Ok(Some(Relay { name, carries }))
        };
        expect(&[
            (relay(&Result::Ok(None)), Ok),
            (relay(&of(Result::Ok(()))), Ok),
            (relay(&of(Err("it is away".to_owned()))), Warning),
            (relay(&Err("not an address".to_owned())), Problem),
        ]);
    }

    #[test]
    fn a_directory_is_its_owners_has_room_and_is_local() {
        let with_mode = |mode| Dir { mode, ..dir() };
        let with_bytes = |free_bytes| Dir {
            free_bytes,
            ..dir()
        };
        let with_inodes = |n| Dir {
            free_inodes: Some(n),
            ..dir()
        };
        let network = Dir {
            is_network: true,
            ..dir()
        };
        expect(&[
            (owner(&dir(), 7), Ok),
            (owner(&dir(), 8), Problem),
            (owner(&with_mode(0o755), 7), Warning),
            (owner(&with_mode(0o777), 7), Problem),
            (space(&dir()), Ok),
            (space(&with_bytes(1 << 30)), Warning),
            (space(&with_bytes(1 << 20)), Problem),
            (space(&with_inodes(10_000)), Warning),
            (space(&with_inodes(10)), Problem),
            (file_system(&dir()), Ok),
            (file_system(&network), Problem),
        ]);
    }

    #[test]
    fn a_database_has_this_versions_schema_and_keeps_what_it_confirms() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let of = |has: &[&str]| Database {
            has: names(has),
            known: names(&["a", "b"]),
            ..Database::default()
        };
        expect(&[
            (schema(&of(&["a", "b"])), Ok),
            (schema(&of(&["a"])), Warning),
            (schema(&of(&["a", "b", "c"])), Problem),
            (clock(-999), Ok),
            (clock(1000), Warning),
            (clock(-60_000), Problem),
            (time(-86_400_000), Ok),
            (time(999), Ok),
            (time(1000), Warning),
            (time(30_000), Problem),
            (wal(0), Ok),
            (wal(1 << 30), Warning),
        ]);
        let careless = Database {
            durability: vec![("fsync", "on".into()), ("synchronous_commit", "off".into())],
            ..of(&["a", "b"])
        };
        let findings = database(&Result::Ok(careless));
        assert_eq!(findings[1].verdict, Problem);
        assert!(findings[1].said.starts_with("synchronous_commit"));
        assert_eq!(database(&Err("away".into()))[0].verdict, Problem);
    }

    #[test]
    fn a_server_is_ready_down_or_in_trouble() {
        let up = |ready| {
            Result::Ok(Server::Up {
                pids: vec![1],
                ready: Some(ready),
            })
        };
        expect(&[
            (server(&up(Result::Ok(200))), Ok),
            (server(&up(Result::Ok(503))), Problem),
            (server(&up(Err("refused".into()))), Problem),
            (server(&Result::Ok(Server::Down)), Warning),
            (server(&Err("starting".into())), Problem),
        ]);
    }

    #[test]
    fn the_machine_has_what_is_needed() {
        expect(&[
            (open_files(100), Problem),
            (open_files(1024), Warning),
            (open_files(65_536), Ok),
            (keys(Some(0o600)), Ok),
            (keys(Some(0o640)), Problem),
            (keys(None), Warning),
            (python(Some("Python 3.11.2")), Ok),
            (python(None), Warning),
            (agent(Some("hai-platform 0.1.0")), Ok),
            (agent(None), Problem),
        ]);
    }
}
